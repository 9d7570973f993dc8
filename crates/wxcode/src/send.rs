//! `wxcode send`.

use anyhow::bail;
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
        };
        let mut delivery = client.deliver(&project.id, &new).await?;
        if options.wait && !delivery.state.is_final() {
            let find = || Some(Remote::find(common).ok()?.server().clone());
            let events = client.events(&project.id).await?;
            let mut events = events.with_find(Box::new(find));
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
    })
}

fn note_obstacle(obstacle: Option<&str>) {
    if let Some(obstacle) = obstacle {
        output::note(format_args!(
            "waits for the dialog {obstacle}: answer it in the terminal"
        ));
    }
}
