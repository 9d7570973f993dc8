//! `wxcode send`.

use anyhow::bail;
use jiff::{
    Timestamp, Zoned,
    civil::{DateTime, Time},
};
use wxcode_client::{Delivery, DeliveryState, NewDelivery};

use crate::{
    cli::{Common, SendOptions},
    output,
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &SendOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let client = remote.client();
        let project = remote.project(&options.project).await?;
        let new = NewDelivery {
            text: options.text.clone(),
            idempotency_key: options.key.clone(),
            not_before: options.at.map(|at| at.to_string()),
            steer: options.steer,
        };
        let delivery = client.deliver(&project.id, &new).await?;
        report(common, &remote, delivery, options.wait).await
    })
}

/// Prints a delivery; on request waits for its end first. A failed one is an error.
pub(crate) async fn report(
    common: &Common,
    remote: &Remote,
    mut delivery: Delivery,
    wait: bool,
) -> anyhow::Result<()> {
    if wait && !delivery.state.is_final() {
        let events = remote.client().events(&delivery.output_project_id).await?;
        let mut events = events.with_find(Remote::finder(common));
        let mut obstacle = None;
        let note = |delivery: &Delivery| {
            if !delivery.state.is_final() && obstacle != delivery.error {
                obstacle.clone_from(&delivery.error);
                note_obstacle(obstacle.as_deref());
            }
        };
        delivery = events.delivery(&delivery.id, note).await?;
    }
    let state = delivery.state.as_str();
    let printed = output::print(format_args!("{} {state}", delivery.id));
    if delivery.state == DeliveryState::Failed {
        bail!("{}", delivery.error.unwrap_or_default());
    }
    printed
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

fn note_obstacle(obstacle: Option<&str>) {
    if let Some(obstacle) = obstacle {
        output::note(format_args!(
            "waits for the dialog {obstacle}: answer it in the terminal"
        ));
    }
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
