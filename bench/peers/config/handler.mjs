// The minimum of config-change: an SQS batch of Config's events -> one conditional write for each item.
//
// A Lambda function with its own runtime loop. It keeps of an item what a record would need, counts nothing, and knows no
// second ids, rules or files.

import http from "node:http";

import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";

const TABLE = process.env.TABLE_NAME;
const RUNTIME = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
// The SDK keeps connections alive by default.
const dynamodb = new DynamoDBClient({});
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

async function apply(body) {
  const item = JSON.parse(body).detail.configurationItem;
  // As the function does: the time first, then the state, both wide enough to compare as text.
  const state = String(item.configurationStateId).padStart(20, "0");
  const version = item.configurationItemCaptureTime.padStart(24) + state;
  const text = {
    pk: `e#${item.ARN}`,
    sk: "config",
    v: version,
    type: item.resourceType,
    id: item.resourceId,
    name: item.resourceName ?? "",
    account: item.awsAccountId,
    region: item.awsRegion,
    status: item.configurationItemStatus,
    tags: JSON.stringify(item.tags ?? {}),
    relations: JSON.stringify(item.relationships ?? []),
    attributes: JSON.stringify(item.configuration ?? null),
  };
  const put = new PutItemCommand({
    TableName: TABLE,
    Item: Object.fromEntries(Object.entries(text).map(([name, value]) => [name, { S: value }])),
    ConditionExpression: "attribute_not_exists(v) OR v < :v",
    ExpressionAttributeValues: { ":v": { S: version } },
  });
  try {
    await dynamodb.send(put);
  } catch (error) {
    // Stale, or a duplicate.
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

async function handle(event) {
  const outcomes = await Promise.allSettled(event.Records.map((record) => apply(record.body)));
  const failed = event.Records.filter((_, n) => outcomes[n].status === "rejected");
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
}

function send(method, url, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const request = http.request(url, { method, agent, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const next = await send("GET", `${RUNTIME}/next`);
  const response = JSON.stringify(await handle(JSON.parse(next.body)));
  await send("POST", `${RUNTIME}/${next.headers["lambda-runtime-aws-request-id"]}/response`, response);
}
