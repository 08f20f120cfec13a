//! A resource as some source spells it -> its one identity, a secondary id, or neither.
//!
//! Config, Terraform, cost lines and findings write the same resource as an ARN of this or that form, an id or a name.
//! What an ARN does not say is never guessed: a load balancer's name, an IAM name or an RDS resource id becomes a
//! secondary key, which the record declares that knows the ARN ([`secondary_keys`]).

use std::collections::BTreeSet;

use crate::arn::Arn;
use crate::identity::{Identity, Key, Place};
use crate::resource_types::{self, Ids, ResourceType, Scope};

/// Longer ids and ARNs are of no AWS resource, and would not fit the key of a stored record (2,048 bytes).
pub const MAX_ID_BYTES: usize = 1_600;

/// What a source calls the resource's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenAs<'a> {
    /// It says no type: the id must be an ARN.
    Arn,
    /// As AWS Config and CloudFormation do: `AWS::RDS::DBCluster`
    ResourceType(&'a str),
    /// `aws_db_instance`
    TerraformType(&'a str),
    /// The product of a cost line: `AmazonEC2`
    ProductCode(&'a str),
}

/// A resource as one source spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Where it was seen. An ARN's own words go before these.
    pub place: Place<'a>,
    pub seen_as: SeenAs<'a>,
    /// An ARN, an id or a name.
    pub id: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canonical {
    /// This is the resource.
    Exact(Identity),
    /// The resource that declares this key, if any does.
    Secondary(Key),
    /// No resource follows from the words.
    Unknown,
}

/// Products whose lines hold ids that are no ARNs, the service in the ARNs, and the type of a bare id.
/// Ids like `vol-0a1b2c3d4e5f60718` are known by themselves.
static PRODUCTS: &[(&str, &str, Option<&str>)] = &[
    ("AWSCertificateManager", "acm", Some("AWS::ACM::Certificate")),
    ("AWSCodePipeline", "codepipeline", Some("AWS::CodePipeline::Pipeline")),
    ("AWSELB", "elasticloadbalancing", None),
    ("AWSEvents", "events", Some("AWS::Events::Rule")),
    ("AWSLambda", "lambda", Some("AWS::Lambda::Function")),
    ("AWSQueueService", "sqs", Some("AWS::SQS::Queue")),
    ("AWSSecretsManager", "secretsmanager", None),
    ("AmazonApiGateway", "apigateway", None),
    ("AmazonCloudFront", "cloudfront", Some("AWS::CloudFront::Distribution")),
    ("AmazonCloudWatch", "logs", None),
    ("AmazonDocDB", "rds", None),
    ("AmazonDynamoDB", "dynamodb", Some("AWS::DynamoDB::Table")),
    ("AmazonEC2", "ec2", None),
    ("AmazonECR", "ecr", Some("AWS::ECR::Repository")),
    ("AmazonECS", "ecs", None),
    ("AmazonEFS", "elasticfilesystem", None),
    ("AmazonEKS", "eks", Some("AWS::EKS::Cluster")),
    ("AmazonES", "es", Some("AWS::OpenSearch::Domain")),
    ("AmazonElastiCache", "elasticache", None),
    ("AmazonKinesis", "kinesis", Some("AWS::Kinesis::Stream")),
    ("AmazonKinesisFirehose", "firehose", Some("AWS::KinesisFirehose::DeliveryStream")),
    ("AmazonNeptune", "rds", None),
    ("AmazonRDS", "rds", None),
    ("AmazonRedshift", "redshift", None),
    ("AmazonRoute53", "route53", Some("AWS::Route53::HostedZone")),
    ("AmazonS3", "s3", Some("AWS::S3::Bucket")),
    ("AmazonSNS", "sns", Some("AWS::SNS::Topic")),
    ("AmazonStates", "states", Some("AWS::StepFunctions::StateMachine")),
    ("AmazonVPC", "ec2", None),
    ("CodeBuild", "codebuild", Some("AWS::CodeBuild::Project")),
    ("awskms", "kms", Some("AWS::KMS::Key")),
];

/// Which resource is meant. Every ARN has an answer; of other ids, those of the types in [`resource_types`].
pub fn canonical(sighting: &Sighting<'_>) -> Canonical {
    let id = sighting.id.trim();
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
        return Canonical::Unknown;
    }
    let place = &sighting.place;
    if id.starts_with("arn:") {
        return Arn::parse(id).map_or(Canonical::Unknown, |arn| of_arn(arn, place));
    }
    match sighting.seen_as {
        SeenAs::Arn => Canonical::Unknown,
        SeenAs::ResourceType(aws_type) if is_account(aws_type) => of_account(place.partition, id),
        SeenAs::ResourceType(aws_type) => {
            let mut rows = resource_types::by_aws_type(aws_type).peekable();
            if rows.peek().is_none() && !aws_type.is_empty() {
                let place = Place { region: region_of_type(aws_type, place.region), ..*place };
                return Canonical::Exact(Identity::of_resource_without_arn(place, aws_type, id));
            }
            of_id(rows, id, place)
        }
        SeenAs::TerraformType(terraform) => match resource_types::of_terraform(terraform) {
            Some(aws_type) => of_id(resource_types::by_aws_type(aws_type), id, place),
            None => Canonical::Unknown,
        },
        SeenAs::ProductCode(product) => of_cost_line(product, id, place),
    }
}

/// The secondary ids by which others may speak of a resource: those that its ARN implies, and those among `sightings`.
/// A source that knows the ARN puts them into its facts' `keys` and claims their alias records.
pub fn secondary_keys(identity: &Identity, sightings: &[Sighting<'_>]) -> BTreeSet<Key> {
    let implied = identity.arn().and_then(Arn::parse).and_then(|arn| key_implied_by(&arn));
    let said = sightings.iter().filter_map(|sighting| match canonical(sighting) {
        Canonical::Secondary(key) => Some(key),
        Canonical::Exact(_) | Canonical::Unknown => None,
    });
    implied.into_iter().chain(said).collect()
}

/// The name in an ARN that holds more than a name: `front` of `loadbalancer/app/front/50dc6c495c0c9188`.
pub(crate) fn name_in<'a>(arn: &Arn<'a>) -> Option<&'a str> {
    let row = resource_types::by_arn(arn).filter(|row| matches!(row.ids, Ids::Secondary { .. }))?;
    let from_behind = usize::from(row.resource.ends_with("/*/*"));
    arn.resource.rsplit('/').nth(from_behind)
}

fn key_implied_by(arn: &Arn<'_>) -> Option<Key> {
    let row = resource_types::by_arn(arn)?;
    let Ids::Secondary { service, prefix } = row.ids else { return None };
    let name = name_in(arn)?;
    let region = region_of_type(row.aws_type, arn.region);
    Some(Key::secondary(service, arn.account, region, &format!("{prefix}{name}")))
}

/// The account itself, as Config's rules and AWS Organizations call it.
fn is_account(aws_type: &str) -> bool {
    ["AWS::::Account", "AWS::Organizations::Account"].iter().any(|one| one.eq_ignore_ascii_case(aws_type))
}

fn of_account(partition: &str, id: &str) -> Canonical {
    if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) && !partition.is_empty() {
        return Canonical::Exact(Identity::of_account(partition, id));
    }
    Canonical::Unknown
}

/// `111122223333` of `account/o-exampleorgid/111122223333`
fn account_in<'a>(arn: &Arn<'a>) -> Option<&'a str> {
    let organisation_and_id = arn.resource.strip_prefix("account/").filter(|_| arn.service == "organizations")?;
    organisation_and_id.split_once('/').map(|(_, id)| id)
}

fn of_arn(arn: Arn<'_>, place: &Place<'_>) -> Canonical {
    if let Some(answer @ Canonical::Exact(_)) = account_in(&arn).map(|id| of_account(arn.partition, id)) {
        return answer;
    }
    let resource = one_resource(&arn);
    let arn = Arn { resource: &resource, region: region_of_zone(arn.region), ..arn };
    let Some(row) = resource_types::by_arn(&arn) else {
        return Canonical::Exact(Identity::of_canonical_arn(&arn.to_string()));
    };
    match in_scope(row, arn, place) {
        // Of an ARN that lacks its account there is nothing better to say than the ARN.
        Canonical::Unknown => Canonical::Exact(Identity::of_canonical_arn(&arn.to_string())),
        answer => answer,
    }
}

/// One spelling of the last part, for what is spelled in several ways or names a part of a resource.
fn one_resource(arn: &Arn<'_>) -> String {
    let text = arn.resource;
    // The first so many parts, for types whose names cannot hold the separator.
    let head = |parts: usize, separator: char| {
        let end = text.match_indices(separator).nth(parts - 1).map(|(at, _)| at).filter(|at| *at > 0);
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let first = |separators: [char; 2]| text.split(separators).next().unwrap_or_default();
    match (arn.service, first([':', '/'])) {
        ("s3", _) if arn.region.is_empty() && arn.account.is_empty() => head(1, '/'),
        ("lambda", "function") | ("logs", "log-group") | ("states", "stateMachine") => head(2, ':'),
        ("dynamodb", "table") if ["index", "stream"].contains(&text.split('/').nth(2).unwrap_or_default()) => {
            head(2, '/')
        }
        ("codepipeline", "pipeline") if text.len() > "pipeline:".len() => text["pipeline:".len()..].to_owned(),
        ("codebuild", "build") => head(1, ':').replacen("build/", "project/", 1),
        ("apigateway", "restapis" | "apis") => format!("/{text}"),
        ("ec2", "eip") => text.replacen("eip/", "elastic-ip/", 1),
        ("events", "rule") => text.replacen("rule/default/", "rule/", 1),
        // Config's id of a domain is `<account>/<name>`.
        ("es", "domain") => format!("domain/{}", text.rsplit('/').next().unwrap_or_default()),
        _ => text.to_owned(),
    }
}

/// Fills in what ARNs of the type hold, and takes out what they do not.
fn in_scope(row: &ResourceType, arn: Arn<'_>, place: &Place<'_>) -> Canonical {
    let region = if arn.region.is_empty() { region_of_zone(place.region) } else { arn.region };
    let account = if arn.account.is_empty() { place.account } else { arn.account };
    let (region, account) = match row.scope {
        Scope::Regional => (region, account),
        Scope::RegionOnly => (region, ""),
        Scope::Global => ("", account),
        Scope::Bare | Scope::GlobalBare => ("", ""),
    };
    let needs_region = matches!(row.scope, Scope::Regional | Scope::RegionOnly);
    let needs_account = matches!(row.scope, Scope::Regional | Scope::Global);
    if (needs_region && !is_region(region)) || (needs_account && account.is_empty()) || arn.partition.is_empty() {
        return Canonical::Unknown;
    }
    if let Ids::ExactOrOpaque { prefix, service } = row.ids {
        let id = arn.resource.strip_prefix(row.literal_prefix()).unwrap_or(arn.resource);
        if is_opaque(id, prefix) {
            return Canonical::Secondary(Key::secondary(service, account, region, id));
        }
    }
    Canonical::Exact(Identity::of_canonical_arn(&Arn { region, account, ..arn }.to_string()))
}

fn of_id(rows: impl Iterator<Item = &'static ResourceType> + Clone, id: &str, place: &Place<'_>) -> Canonical {
    let Some(row) = rows.clone().next() else { return Canonical::Unknown };
    if row.ids != Ids::ExactName {
        for row in rows {
            if let Some(resource) = resource_in(row, id) {
                return of_parts(row, &resource, place);
            }
        }
    }
    match row.ids {
        Ids::Exact | Ids::ExactName => of_name(row, id, place),
        Ids::Prefixed(prefix) if id.starts_with(prefix) => of_name(row, id, place),
        Ids::ExactWith(needed) if id.contains(needed) => of_name(row, id, place),
        Ids::ExactOrOpaque { .. } => of_name(row, id, place),
        Ids::Secondary { .. } if place.account.is_empty() => Canonical::Unknown,
        Ids::Secondary { service, prefix } => {
            let region = region_of_type(row.aws_type, region_of_zone(place.region));
            let id = if is_iam_unique_id(id) { id.to_owned() } else { format!("{prefix}{id}") };
            Canonical::Secondary(Key::secondary(service, place.account, region, &id))
        }
        Ids::Prefixed(_) | Ids::ExactWith(_) | Ids::ArnOnly => Canonical::Unknown,
    }
}

/// The last part of the ARN, where the id is all of it (`table/orders`) or more than a name (`app/front/50dc6c495c0c9188`).
fn resource_in(row: &ResourceType, id: &str) -> Option<String> {
    let literal = row.literal_prefix();
    if literal.is_empty() || row.ids == Ids::ArnOnly {
        return None;
    }
    let bare = if literal.starts_with('/') { id } else { id.strip_prefix('/').unwrap_or(id) };
    if row.has_resource(bare) {
        return Some(bare.to_owned());
    }
    let (kind, _) = row.resource.split_once('/')?;
    let whole = format!("{kind}/{bare}");
    (!kind.contains('*') && row.resource.matches('*').count() > 1 && row.has_resource(&whole)).then_some(whole)
}

fn of_name(row: &ResourceType, id: &str, place: &Place<'_>) -> Canonical {
    if row.service == "sqs" && id.contains("://") {
        return of_queue_url(row, id, place);
    }
    let literal = row.literal_prefix();
    let name = if literal.ends_with('/') { id.strip_prefix('/').unwrap_or(id) } else { id };
    of_parts(row, &format!("{literal}{name}"), place)
}

fn of_parts(row: &ResourceType, resource: &str, place: &Place<'_>) -> Canonical {
    let arn = Arn { partition: place.partition, service: row.service, region: "", account: "", resource };
    let resource = one_resource(&arn);
    in_scope(row, Arn { resource: &resource, ..arn }, place)
}

/// `https://sqs.eu-west-1.amazonaws.com/111122223333/orders`, and the older forms of it.
fn of_queue_url(row: &ResourceType, text: &str, place: &Place<'_>) -> Canonical {
    let Some((_, rest)) = text.split_once("://") else { return Canonical::Unknown };
    let mut parts = rest.split('/');
    let (Some(host), Some(account), Some(name), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Canonical::Unknown;
    };
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) || name.is_empty() {
        return Canonical::Unknown;
    }
    let region = host.split('.').find(|label| is_region(label)).unwrap_or(place.region);
    of_parts(row, name, &Place { partition: place.partition, account, region })
}

fn of_cost_line(product: &str, id: &str, place: &Place<'_>) -> Canonical {
    let known = PRODUCTS.iter().find(|(code, _, _)| code.eq_ignore_ascii_case(product));
    if let Some((_, service, bare)) = known {
        let rows = resource_types::RESOURCE_TYPES.iter().filter(|row| row.service == *service);
        for row in rows.clone() {
            if row.ids != Ids::ExactName
                && let Some(resource) = resource_in(row, id)
            {
                return of_parts(row, &resource, place);
            }
        }
        for row in rows {
            if let Ids::ExactOrOpaque { prefix, .. } = row.ids
                && is_opaque(id, prefix)
            {
                return of_name(row, id, place);
            }
        }
        if let Some(aws_type) = bare {
            return of_id(resource_types::by_aws_type(aws_type), id, place);
        }
    }
    for row in resource_types::RESOURCE_TYPES {
        if let Ids::Prefixed(prefix) = row.ids
            && id.strip_prefix(prefix).is_some_and(is_short_hex)
        {
            return of_name(row, id, place);
        }
    }
    Canonical::Unknown
}

/// The part behind `vol-`: 8 or 17 hexadecimal digits in fact.
fn is_short_hex(text: &str) -> bool {
    (8..=17).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `db-ABCDEFGHIJKL01234`: names are stored in lower case, so capitals mean the other kind of id.
fn is_opaque(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        rest.bytes().any(|b| b.is_ascii_uppercase())
            && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn is_iam_unique_id(id: &str) -> bool {
    id.len() >= 16
        && ["AROA", "AIDA", "AGPA", "ANPA", "AIPA"].iter().any(|prefix| id.starts_with(prefix))
        && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn region_of_type<'a>(aws_type: &str, region: &'a str) -> &'a str {
    if resource_types::is_global(aws_type) { "global" } else { region }
}

/// `eu-west-1a` -> `eu-west-1`. Some generators of ARNs put the zone where the region belongs.
fn region_of_zone(text: &str) -> &str {
    match text.strip_suffix(|c: char| c.is_ascii_lowercase()) {
        Some(region) if is_region(region) => region,
        _ => text,
    }
}

/// `eu-west-1`, `us-gov-west-1`: words and a number. Config's `global` and `Not Applicable` are none.
fn is_region(text: &str) -> bool {
    let mut words = text.rsplit('-');
    let is_number = words.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_number
        && words.clone().count() >= 2
        && words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}
