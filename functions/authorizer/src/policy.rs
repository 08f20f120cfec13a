//! A subject -> the answer that API Gateway keeps for its token.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use serde::Serialize;

/// What may be invoked with the token, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    pub principal_id: String,
    pub policy_document: Policy,
    /// Reaches the functions as `requestContext.authorizer`.
    pub context: Context,
}

/// Who asks: texts alone, as API Gateway demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Context {
    pub subject: String,
    pub issuer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: &'static str,
    resource: String,
}

const EXPORTS: &str = "*/api/exports/*";

impl Allowed {
    /// For the whole stage, not for the method that was asked for: API Gateway applies the answer to whatever comes next
    /// with the same token. Exports are left out unless tokens may send them, too.
    pub(crate) fn new(method_arn: &str, subject: String, issuer: String, may_export: bool) -> Option<Self> {
        let mut parts = method_arn.splitn(3, '/');
        let (api, stage) = (parts.next()?, parts.next()?);
        parts.next()?;
        let statement = |effect, resource: &str| Statement {
            action: "execute-api:Invoke",
            effect,
            resource: format!("{api}/{stage}/{resource}"),
        };
        let mut statements = vec![statement("Allow", "*")];
        if !may_export {
            statements.push(statement("Deny", EXPORTS));
        }
        Some(Self {
            principal_id: subject.clone(),
            policy_document: Policy { version: "2012-10-17", statement: statements },
            context: Context { subject, issuer },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_policy_covers_the_stage_and_leaves_exports_out() {
        let arn = "arn:aws:execute-api:eu-west-1:111122223333:abc/live/GET/api/status";
        let allowed = Allowed::new(arn, "user:default/ann".into(), "https://issuer".into(), false).unwrap();
        let stage = "arn:aws:execute-api:eu-west-1:111122223333:abc/live";
        assert_eq!(
            serde_json::to_value(&allowed).unwrap(),
            json!({
                "principalId": "user:default/ann",
                "policyDocument": {"Version": "2012-10-17", "Statement": [
                    {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": format!("{stage}/*")},
                    {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": format!("{stage}/*/api/exports/*")},
                ]},
                "context": {"subject": "user:default/ann", "issuer": "https://issuer"},
            })
        );
        let writer = Allowed::new(arn, "x".into(), "y".into(), true).unwrap();
        assert_eq!(writer.policy_document.statement.len(), 1);
        for arn in ["", "arn:aws:execute-api:r:a:abc", "arn:aws:execute-api:r:a:abc/live"] {
            assert_eq!(Allowed::new(arn, "x".into(), "y".into(), true), None, "{arn}");
        }
    }
}
