//! Waiting for the end of a delivery or a run by events.

use crate::{Delivery, Error, Run};

use super::{Event, Events};

impl Events<'_> {
    /// Waits for the end of a delivery: submitted to the agent, or failed.
    ///
    /// `on_change` sees each state of the delivery, such as a present dialog in
    /// [`error`](Delivery::error). All other events are passed over.
    ///
    /// # Errors
    /// The errors of [`Events::next`]; [`Error::Refused`] with 404 without such a delivery.
    pub async fn delivery(
        &mut self,
        delivery: &str,
        mut on_change: impl FnMut(&Delivery),
    ) -> Result<Delivery, Error> {
        let concerns = |event: &Event| event.text("delivery_id") == Some(delivery);
        loop {
            match self
                .client
                .delivery(self.project.as_deref().unwrap_or_default(), delivery)
                .await
            {
                Ok(found) => {
                    on_change(&found);
                    if found.state.is_final() {
                        return Ok(found);
                    }
                }
                Err(error) => self.failed(error)?,
            }
            self.until(concerns).await?;
        }
    }

    /// Waits for the end of a run. All other events are passed over.
    ///
    /// # Errors
    /// The errors of [`Events::next`]; [`Error::Refused`] with 404 without such a run.
    pub async fn run(&mut self, run: &str) -> Result<Run, Error> {
        let concerns =
            |event: &Event| event.kind == "run.finished" && event.text("run_id") == Some(run);
        loop {
            match self
                .client
                .run(self.project.as_deref().unwrap_or_default(), run)
                .await
            {
                Ok(found) if found.state.is_final() => return Ok(found),
                Ok(_) => {}
                Err(error) => self.failed(error)?,
            }
            self.until(concerns).await?;
        }
    }

    /// Passes events over, up to an event that concerns the waiter or describes the whole
    /// situation.
    async fn until(&mut self, concerns: impl Fn(&Event) -> bool) -> Result<(), Error> {
        loop {
            let event = self.next().await?;
            if event.kind == "state" || concerns(&event) {
                return Ok(());
            }
        }
    }

    /// Begins again with a `state` after a failed look at the waiter's resource.
    fn failed(&mut self, error: Error) -> Result<(), Error> {
        self.lost(error)?;
        self.last = None;
        Ok(())
    }
}
