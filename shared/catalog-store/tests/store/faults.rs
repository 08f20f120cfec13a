//! Watches every call of the SDK: counts it, and fails the nth one before it is sent or after it was answered.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Never,
    /// The nth call, from 0, is never sent.
    Before(u32),
    /// The nth call is carried out, and its answer is lost.
    After(u32),
}

tokio::task_local! {
    static PLAN: Plan;
}

struct Plan {
    fault: Fault,
    sent: Cell<u32>,
    answered: Cell<u32>,
}

/// Runs `work` with a fault among the calls that it makes.
pub(crate) async fn with_fault<T>(fault: Fault, work: impl Future<Output = T>) -> T {
    PLAN.scope(Plan { fault, sent: Cell::new(0), answered: Cell::new(0) }, work).await
}

/// Calls by operation; a consistent read has ` consistent` after its name.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    by_operation: Mutex<BTreeMap<String, u64>>,
}

impl Calls {
    pub(crate) fn of(&self, operation: &str) -> u64 {
        self.by_operation.lock().unwrap().get(operation).copied().unwrap_or_default()
    }

    /// What was called since the last time, and begins anew.
    pub(crate) fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.by_operation.lock().unwrap())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Watch(pub(crate) Arc<Calls>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let operation = match request.headers().get("x-amz-target") {
            Some(target) => {
                let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
                let consistent = if body.contains(r#""ConsistentRead":true"#) { " consistent" } else { "" };
                format!("{}{consistent}", target.rsplit('.').next().unwrap())
            }
            None => request.method().to_owned(),
        };
        *self.0.by_operation.lock().unwrap().entry(operation).or_default() += 1;
        let nth = PLAN.try_with(|plan| (plan.sent.replace(plan.sent.get() + 1), plan.fault));
        match nth {
            Ok((nth, Fault::Before(n))) if nth == n => Err("the call was not sent".into()),
            _ => Ok(()),
        }
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let nth = PLAN.try_with(|plan| (plan.answered.replace(plan.answered.get() + 1), plan.fault));
        match nth {
            Ok((nth, Fault::After(n))) if nth == n => Err("the answer was lost".into()),
            _ => Ok(()),
        }
    }
}
