"""The minimum of config-change: an SQS batch of Config's events -> one conditional write for each item.

A Lambda function with its own runtime loop, so that it needs nothing but boto3. It keeps of an item what a record would
need, counts nothing, and knows no second ids, rules or files.
"""

import http.client
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TABLE = os.environ["TABLE_NAME"]
RUNTIME = "/2018-06-01/runtime/invocation"
DYNAMODB = boto3.client("dynamodb", config=Config(tcp_keepalive=True, retries={"mode": "standard"}))


def apply(body):
    item = json.loads(body)["detail"]["configurationItem"]
    # As the function does: the time first, then the state, both wide enough to compare as text.
    captured = item["configurationItemCaptureTime"]
    version = f"{captured:>24}{int(item['configurationStateId']):020}"
    text = {
        "pk": "e#" + item["ARN"],
        "sk": "config",
        "v": version,
        "type": item["resourceType"],
        "id": item["resourceId"],
        "name": item.get("resourceName") or "",
        "account": item["awsAccountId"],
        "region": item["awsRegion"],
        "status": item["configurationItemStatus"],
        "tags": json.dumps(item.get("tags") or {}),
        "relations": json.dumps(item.get("relationships") or []),
        "attributes": json.dumps(item.get("configuration")),
    }
    try:
        DYNAMODB.put_item(
            TableName=TABLE,
            Item={name: {"S": value} for name, value in text.items()},
            ConditionExpression="attribute_not_exists(v) OR v < :v",
            ExpressionAttributeValues={":v": {"S": version}},
        )
    except ClientError as error:
        # Stale, or a duplicate.
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def handle(event):
    failed = []
    # One after the other: threads would only add to its time on a processor.
    for record in event["Records"]:
        try:
            apply(record["body"])
        except (ClientError, KeyError, ValueError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", f"{RUNTIME}/next")
        answer = runtime.getresponse()
        request = answer.headers["lambda-runtime-aws-request-id"]
        response = json.dumps(handle(json.loads(answer.read())))
        runtime.request("POST", f"{RUNTIME}/{request}/response", response)
        runtime.getresponse().read()


main()
