//! Schedules -> functions, as EventBridge does it: each at its time, with the same event.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};
use serde_json::Value;
use tokio::sync::watch;

use crate::{invoke::Invoke, wiring::Schedule};

/// When a schedule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Every(Duration),
    /// UTC.
    Daily(civil::Time),
}

/// A schedule that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("schedule `{name}` has the expression `{expression}`: only whole rates and daily times are known here")]
pub struct ScheduleError {
    name: &'static str,
    expression: &'static str,
}

/// Runs a schedule until `stop` is set. `every` takes the place of its own interval. An invocation that is due while the
/// one before still runs is left out: in AWS both would run, which must do no harm but proves nothing.
pub(crate) fn run(
    schedule: &'static Schedule,
    every: Option<Duration>,
    invoke: Invoke,
    mut stop: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + Send + 'static, ScheduleError> {
    let error = ScheduleError { name: schedule.name, expression: schedule.expression };
    let when = every.map(When::Every).or_else(|| parse(schedule.expression)).ok_or(error)?;
    let event: Value = serde_json::from_str(schedule.input).map_err(|_| error)?;
    Ok(async move {
        // Nobody to invoke: as a rule without its target.
        if !invoke.functions.contains(schedule.function) {
            return;
        }
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(wait(when, Timestamp::now())) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            invoke.run_event(schedule.function, &event).await;
        }
    })
}

fn parse(expression: &str) -> Option<When> {
    let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(rate) = inside("rate") {
        let (count, unit) = rate.split_once(' ')?;
        let unit_s: u64 = match unit.trim_end_matches('s') {
            "minute" => 60,
            "hour" => 60 * 60,
            "day" => 24 * 60 * 60,
            _ => return None,
        };
        let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
        return Some(When::Every(Duration::from_secs(count.checked_mul(unit_s)?)));
    }
    let fields: Vec<&str> = inside("cron")?.split(' ').collect();
    let [minute, hour, "*", "*", "?", "*"] = fields.as_slice() else { return None };
    Some(When::Daily(civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?))
}

fn wait(when: When, now: Timestamp) -> Duration {
    let time = match when {
        When::Every(interval) => return interval,
        When::Daily(time) => time,
    };
    let now = now.to_zoned(TimeZone::UTC);
    let today = now.date().to_datetime(time).to_zoned(TimeZone::UTC);
    let next = match today {
        Ok(today) if today > now => Ok(today),
        Ok(today) => today.checked_add(1.day()),
        Err(error) => Err(error),
    };
    // A date that cannot be is beyond the calendar.
    next.map_or(Duration::MAX, |next| Duration::try_from(now.duration_until(&next)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring;

    #[test]
    fn every_schedule_of_the_system_can_be_read() {
        for schedule in wiring::SCHEDULES {
            assert!(parse(schedule.expression).is_some(), "{}", schedule.name);
            assert!(serde_json::from_str::<Value>(schedule.input).is_ok(), "{}", schedule.name);
        }
        for expression in ["rate(0 minutes)", "rate(1 week)", "cron(0 0 1 * ? *)", "cron(60 1 * * ? *)", "daily"] {
            assert_eq!(parse(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_daily_schedule_waits_for_its_time_today_or_tomorrow() {
        let half_past_two = parse("cron(30 2 * * ? *)").unwrap();
        let at = |text: &str| wait(half_past_two, text.parse().unwrap());
        assert_eq!(at("2026-11-28T02:29:00Z"), Duration::from_secs(60));
        assert_eq!(at("2026-11-28T02:30:00Z"), Duration::from_secs(24 * 60 * 60));
        assert_eq!(at("2026-12-31T23:30:00Z"), Duration::from_secs(3 * 60 * 60));
        assert_eq!(wait(parse("rate(5 minutes)").unwrap(), Timestamp::UNIX_EPOCH), Duration::from_secs(300));
    }
}
