//! `wxcode send`.

mod answer;
mod wait;

use jiff::{
    Timestamp, Zoned,
    civil::{DateTime, Time},
};
use wxcode_client::NewDelivery;

pub(crate) use self::wait::Waiting;
use crate::{
    cli::{Common, SendOptions},
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &SendOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let client = remote.client();
        let project = remote.project(&options.named.project).await?;
        let waiting = Waiting::begin(common, &remote, &project, options.waiting).await?;
        let new = NewDelivery {
            text: options.text.clone(),
            idempotency_key: options.key.clone(),
            not_before: options.at.map(|at| at.to_string()),
            steer: options.steer,
        };
        let delivery = client.deliver(&project.id, &new).await?;
        waiting.report(delivery).await
    })
}

/// Parses the time of `--at`.
pub(crate) fn time(given: &str) -> Result<Timestamp, String> {
    parse(given, &Zoned::now())
}

fn parse(given: &str, now: &Zoned) -> Result<Timestamp, String> {
    let bad = |error: jiff::Error| {
        format!(
            "{error}; give a time such as 2026-01-31T18:00:00Z, \"2026-01-31 18:00\" or 18:00, the last two \
             in the local time zone"
        )
    };
    if let Ok(at) = given.parse::<Timestamp>() {
        return Ok(at);
    }
    let zone = now.time_zone();
    if let Ok(time) = given.parse::<Time>() {
        let today = now.date().to_datetime(time).to_zoned(zone.clone());
        let today = today.map_err(bad)?.timestamp();
        if today > now.timestamp() {
            return Ok(today);
        }
        let tomorrow = now.date().tomorrow().map_err(bad)?.to_datetime(time);
        return Ok(tomorrow.to_zoned(zone.clone()).map_err(bad)?.timestamp());
    }
    let local = given.parse::<DateTime>().map_err(bad)?;
    Ok(local.to_zoned(zone.clone()).map_err(bad)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_local_zone() {
        let now: Zoned = "2026-01-31T17:30:00+01:00[+01:00]".parse().unwrap();
        let cases = [
            ("2026-02-01T09:00:00Z", "2026-02-01T09:00:00Z"),
            ("2026-02-01T09:00:00+02:00", "2026-02-01T07:00:00Z"),
            ("2026-02-01 09:00", "2026-02-01T08:00:00Z"),
            ("2026-02-01T09:00:30", "2026-02-01T08:00:30Z"),
            ("17:31", "2026-01-31T16:31:00Z"),
            ("17:30", "2026-02-01T16:30:00Z"),
            ("08:15", "2026-02-01T07:15:00Z"),
        ];
        for (given, expected) in cases {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(parse(given, &now), Ok(expected), "{given}");
        }
        for given in ["", "soon", "25:00", "2026-02-30 09:00"] {
            let error = parse(given, &now).unwrap_err();
            assert!(error.contains("2026-01-31T18:00:00Z"), "{error}");
        }
    }
}
