//! Function name -> what runs when it is invoked: JSON in, JSON out, as Lambda sees it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

/// What a function answers to one invocation.
pub type Answer = BoxFuture<'static, Result<Value, FunctionError>>;

type Handler = Arc<dyn Fn(Value) -> Answer + Send + Sync>;

/// A failed invocation, in the two fields that Lambda reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct FunctionError {
    /// Lambda's `errorType`.
    pub kind: String,
    /// Lambda's `errorMessage`.
    pub message: String,
}

impl FunctionError {
    #[must_use]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }

    /// The body that Lambda answers with.
    pub(crate) fn to_body(&self) -> Value {
        json!({"errorType": self.kind, "errorMessage": self.message, "stackTrace": []})
    }
}

/// The functions of one stack, by name.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<String, Handler>);

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Functions {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, or replaces the one of this name.
    #[must_use]
    pub fn with<H, F>(mut self, name: &str, handler: H) -> Self
    where
        H: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        self.0.insert(name.to_owned(), Arc::new(move |event| handler(event).boxed()));
        self
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Runs a function once, in a task of its own, so that its panic is an error and not ours.
    ///
    /// # Errors
    /// The function's own error; `Runtime.ExitError` when it panicked; `ResourceNotFoundException`
    /// when there is none of this name.
    pub async fn invoke(&self, name: &str, event: Value) -> Result<Value, FunctionError> {
        let Some(handler) = self.0.get(name) else {
            return Err(FunctionError::new("ResourceNotFoundException", format!("there is no function `{name}`")));
        };
        match tokio::spawn(handler(event)).await {
            Ok(answer) => answer,
            Err(error) => Err(FunctionError::new("Runtime.ExitError", format!("`{name}` panicked: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_invocation() {
        let functions = Functions::new().with("bad", async |_| panic!("no"));
        let error = functions.invoke("bad", Value::Null).await.unwrap_err();
        assert_eq!(error.kind, "Runtime.ExitError");
    }

    #[tokio::test]
    async fn an_unknown_function_is_named() {
        let error = Functions::new().invoke("nobody", Value::Null).await.unwrap_err();
        assert_eq!(error.to_string(), "ResourceNotFoundException: there is no function `nobody`");
    }
}
