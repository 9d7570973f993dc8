//! `wxcode send`.

use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use serde_json::json;

use crate::{
    cli::{Common, SendOptions},
    output,
    remote::{Remote, block_on},
};

/// How often the server is asked how far a delivery is.
const POLL: Duration = Duration::from_millis(250);

#[derive(Deserialize)]
struct Delivery {
    id: String,
    state: String,
    error: Option<String>,
}

pub(crate) fn run(common: &Common, options: &SendOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    block_on(async {
        let project = remote.project(&options.project).await?;
        let path = format!("/output-projects/{}/deliveries", project.id);
        let body = json!({ "text": options.text, "idempotency_key": options.key });
        let mut delivery: Delivery = remote.post(&path, &body).await?;
        let mut said = None;
        while options.wait && !matches!(delivery.state.as_str(), "submitted" | "failed") {
            let waits_for = delivery.error.clone();
            if waits_for.is_some() && waits_for != said {
                output::note(format_args!(
                    "waits for the dialog {}: answer it in the terminal",
                    waits_for.as_deref().unwrap_or_default()
                ));
            }
            said = waits_for;
            tokio::time::sleep(POLL).await;
            delivery = remote.get(&format!("{path}/{}", delivery.id)).await?;
        }
        let printed = output::print(format_args!("{} {}", delivery.id, delivery.state));
        if delivery.state == "failed" {
            bail!("{}", delivery.error.unwrap_or_default());
        }
        printed
    })
}
