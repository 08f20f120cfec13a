//! `GET /api/explain/{kind}/{namespace}/{name}`: for every field the fragment, version, delivery and rule that it came
//! from, and what lost. Answers for what is gone as well, as long as there is a record of it.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{
    EntityRef, Existence, Field, Fragment, FragmentKey, Identity, Key, Pointer, Record, Relation, Said, Stitched, alias,
};
use catalog_search::{Catalog, Inherited, Naming, NotLoaded, PluginAnnotation, Shape, plugin_annotations, render};
use catalog_store::{Read, SiblingKind, StoreError};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::answers::{self, Answer, unavailable};
use crate::catalog::{Found, find};
use crate::handler::Deps;
use crate::parameters::Parameters;

/// A year of a definition that changes twice a week.
const MAX_DEFINITIONS: usize = 100;

pub(crate) async fn explain(
    request: &ApiGatewayProxyRequest,
    entity_ref: &EntityRef,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let found = find(entity_ref, deps, now).await.map_err(unavailable)?.ok_or_else(|| {
        ApiError::not_found(format!("nothing was ever said about {entity_ref}; is its kind, namespace and name right?"))
    })?;
    let mut explained = deps.live.ask(|catalog| explained(&found, entity_ref, catalog)).await.map_err(unavailable)?;
    let kind = found.identity.entity_ref();
    if kind.is_some_and(|entity_ref| entity_ref.kind().eq_ignore_ascii_case("api")) {
        explained["definitions"] = definitions(&found.identity, deps).await.map_err(unavailable)?;
    }
    Ok(answers::json(&explained))
}

/// The last states of an API's definition, newest first: the UTC day on which each came, its digest, version and length.
async fn definitions(identity: &Identity, deps: &Deps) -> Result<Value, StoreError> {
    let kind = SiblingKind::Definition;
    let page = deps.store.siblings(identity, kind, 0..u64::MAX, MAX_DEFINITIONS, None, Read::Consistent).await?;
    let shown = page.siblings.into_iter().map(|sibling| {
        let day = i64::try_from(sibling.at_ms).ok().and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
        let mut shown = sibling.body;
        shown["day"] = json!(day.map(|day| day.strftime("%F").to_string()));
        shown
    });
    Ok(shown.collect())
}

fn explained(found: &Found, asked: &EntityRef, catalog: &Catalog) -> Result<Value, NotLoaded> {
    let Found { identity, record, stitched, alias } = found;
    let shape = catalog.shape_of(identity)?;
    let (exists, rule, borne_by) = match &stitched.existence {
        Existence::Exists { borne_by, rule } => (true, *rule, Some(borne_by)),
        Existence::Gone { rule } => (false, *rule, None),
    };
    let entity = if exists { Some(render(stitched, catalog)?) } else { None };
    Ok(json!({
        "asked": asked,
        "entityRef": catalog.current_ref(identity)?,
        "identity": identity,
        "uid": identity.uid(),
        "rv": record.rv,
        "existence": {
            "exists": exists,
            "rule": rule,
            "by": borne_by.map(|key| source_of(key, record)),
        },
        "entity": entity,
        "name": name(stitched, shape.as_ref(), alias),
        "inherited": shape.as_ref().and_then(|shape| shape.inherited.as_deref()).map(inherited),
        "fields": fields(stitched, record, shape.as_ref(), &plugin_annotations(stitched, catalog)?),
        "relations": relations(stitched, record, shape.as_ref(), catalog)?,
        "status": stitched.status.iter().map(|item| json!({
            "type": item.item_type, "level": item.level, "message": item.message,
        })).collect::<Vec<_>>(),
        "keys": stitched.keys,
        "fragments": record.fragments.iter().map(|(key, fragment)| said_by(key, fragment)).collect::<Vec<_>>(),
    }))
}

/// Which names there are, which one is shown, and who claims the name that was asked for.
fn name(stitched: &Stitched, shape: Option<&Shape>, alias: &Record) -> Value {
    let why = match shape.map(|shape| &shape.naming) {
        None => "the entity does not exist".to_owned(),
        Some(Naming::Own) => "the name in its own record".to_owned(),
        Some(Naming::Derived) => "the derived name: no claim of the name in its record is known".to_owned(),
        Some(Naming::Taken { wanted, holder }) => format!("the derived name: {wanted} is held by {holder}"),
    };
    let claims: Vec<Value> = alias
        .fragments
        .iter()
        .filter_map(|(key, fragment)| match &fragment.said {
            Said::Claim(claim) => {
                let mut claimed = source_of(key, alias);
                claimed["identity"] = json!(claim.identity);
                claimed["byArn"] = json!(claim.by_arn);
                Some(claimed)
            }
            Said::Facts(_) | Said::Gone => None,
        })
        .collect();
    json!({
        "declared": stitched.declared_ref(),
        "derived": Some(stitched.derived_ref()).filter(|derived| stitched.keys.contains(&Key::of_ref(derived))),
        "rule": why,
        "claims": claims,
        "holder": alias::holder(alias).map(|claim| &claim.identity),
    })
}

fn inherited(inherited: &Inherited) -> Value {
    json!({
        "from": inherited.component,
        "rule": inherited.rule(),
        "owner": inherited.owner,
        "system": inherited.system,
    })
}

/// By JSON Pointer.
fn fields(
    stitched: &Stitched,
    record: &Record,
    shape: Option<&Shape>,
    annotations: &[PluginAnnotation],
) -> Map<String, Value> {
    let mut fields: Map<String, Value> =
        stitched.fields.iter().map(|(pointer, field)| (pointer.to_string(), explained_field(field, record))).collect();
    if let Some(given) = shape.and_then(|shape| shape.inherited.as_deref()) {
        for (field, value) in [("owner", &given.owner), ("system", &given.system)] {
            if let Some(value) = value {
                let pointer = Pointer::spec(field);
                let given_way = stitched.fields.get(&pointer).map(|own| words(own, record)).unwrap_or_default();
                fields.insert(pointer.to_string(), by_other_records(value, &given.rule(), &given_way));
            }
        }
    }
    for annotation in annotations {
        let explained = by_other_records(&annotation.arn, annotation.rule(), &[]);
        fields.insert(Pointer::annotation(annotation.key).to_string(), explained);
    }
    fields
}

/// `lost`: what the record itself says.
fn by_other_records(value: &str, rule: &str, lost: &[Value]) -> Value {
    json!({"value": value, "rule": rule, "by": null, "lost": lost})
}

fn explained_field(field: &Field, record: &Record) -> Value {
    json!({
        "value": field.value,
        "rule": field.rule,
        "by": field.said_by.as_ref().map(|key| source_of(key, record)),
        "lost": field.lost.iter().map(|(key, value)| word(key, value, record)).collect::<Vec<_>>(),
    })
}

/// All that fragments say of a field, the winner first.
fn words(field: &Field, record: &Record) -> Vec<Value> {
    let won = field.said_by.iter().map(|key| word(key, &field.value, record));
    won.chain(field.lost.iter().map(|(key, value)| word(key, value, record))).collect()
}

fn word(key: &FragmentKey, value: &Value, record: &Record) -> Value {
    let mut word = source_of(key, record);
    word["value"] = value.clone();
    word
}

/// Outgoing relations. Those from the other side are explained by the entity that says them.
fn relations(
    stitched: &Stitched,
    record: &Record,
    shape: Option<&Shape>,
    catalog: &Catalog,
) -> Result<Vec<Value>, NotLoaded> {
    let explained = |relation: &Relation, rule: Option<&str>, said_by: Vec<Value>| {
        let mut explained = json!({
            "type": relation.relation_type,
            "target": relation.target,
            // None: nobody answers to the key (yet), and the relation is not shown.
            "targetRef": catalog.shown_ref(&relation.target)?,
            "by": said_by,
        });
        if let Some(rule) = rule {
            explained["rule"] = json!(rule);
        }
        Ok(explained)
    };
    let said = stitched.relations.iter().map(|(relation, said_by)| {
        explained(relation, None, said_by.iter().map(|key| source_of(key, record)).collect())
    });
    let of_stack = shape.into_iter().flat_map(|shape| &shape.of_stack);
    said.chain(of_stack.map(|relation| explained(relation, Some("of its stack"), Vec::new()))).collect()
}

/// Where a fragment came from.
fn source_of(key: &FragmentKey, record: &Record) -> Value {
    match record.fragments.get(key) {
        Some(fragment) => json!({
            "fragment": key,
            "source": fragment.source.to_string(),
            "version": fragment.version,
            "delivery": fragment.delivery,
        }),
        None => json!({"fragment": key}),
    }
}

fn said_by(key: &FragmentKey, fragment: &Fragment) -> Value {
    let (said, role) = match &fragment.said {
        Said::Facts(facts) => ("facts", Some(facts.role)),
        Said::Claim(_) => ("claim", None),
        Said::Gone => ("gone", None),
    };
    json!({
        "fragment": key,
        "source": fragment.source.to_string(),
        "door": fragment.source.door,
        "producer": fragment.source.producer,
        "format": fragment.source.format,
        "name": fragment.source.name,
        "version": fragment.version,
        "delivery": fragment.delivery,
        "said": said,
        "role": role,
    })
}
