//! What API Gateway hands to an authorizer of type `REQUEST`, as far as it is looked at.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

const AUTHORIZATION: &str = "authorization";

/// One request that wants in. Shown for debugging, it keeps its headers to itself.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>`
    pub(crate) method_arn: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("method_arn", &self.method_arn).finish_non_exhaustive()
    }
}

impl Event {
    /// All values of the header `authorization`, however its name is written. The map with single values has only the
    /// last of each name, so it counts where there is no other.
    pub(crate) fn authorization(&self) -> Vec<&str> {
        let is_it = |name: &String| name.eq_ignore_ascii_case(AUTHORIZATION);
        if let Some(headers) = &self.multi_value_headers {
            let values = headers.iter().filter(|(name, _)| is_it(name)).flat_map(|(_, values)| values);
            return values.map(String::as_str).collect();
        }
        let headers = self.headers.iter().flatten();
        headers.filter(|(name, _)| is_it(name)).map(|(_, value)| value.as_str()).collect()
    }
}
