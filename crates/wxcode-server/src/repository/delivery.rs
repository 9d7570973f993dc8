//! Changes of deliveries and their events.

use wxcode_core::{delivery::Delivery, event::Kind, excerpt::Excerpt, id::Id, milestone::MovedBy};
use wxcode_store::{
    Edit, Edited, Listing, NewDelivery, Next, NextQuery, Page, Queued, Result, Step,
};

use super::{Repository, of, warn_unpublished};

impl Repository {
    pub(crate) async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let _turn = of(&self.0.deliveries, delivery.id).lock().await;
        let fence = self.fence(delivery.output_project_id);
        let delivery = &NewDelivery {
            fence: delivery.fence.or(fence),
            ..delivery.clone()
        };
        let queued = self.run("queue", self.0.store.queue(delivery)).await?;
        if let Queued::New(delivery) = &queued {
            self.0.metrics.delivery(delivery);
            self.publish(delivery.output_project_id, Kind::from(delivery))
                .await;
        }
        Ok(queued)
    }

    pub(crate) async fn edit(&self, edit: &Edit) -> Result<Edited> {
        let _turn = of(&self.0.deliveries, edit.id).lock().await;
        let edit = &Edit {
            fence: self.fence(edit.output_project_id),
            ..edit.clone()
        };
        let edited = self.run("edit", self.0.store.edit(edit)).await?;
        if let Edited::Done(delivery) = &edited {
            self.publish(delivery.output_project_id, Kind::from(delivery))
                .await;
        }
        Ok(edited)
    }

    pub(crate) async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let _turn = of(&self.0.deliveries, step.id).lock().await;
        let step = Step {
            fence: self.fence(step.project),
            ..step.clone()
        };
        let stepped = self.run("step", self.0.store.step(&step)).await?;
        if let Some(delivery) = &stepped {
            self.publish(delivery.output_project_id, Kind::from(delivery))
                .await;
            // A queued delivery may change in other ways.
            if delivery.state.is_over() {
                self.0.metrics.delivery(delivery);
                warn_unpublished(self.publish_milestone_of(delivery).await);
            }
        }
        Ok(stepped)
    }

    /// Publishes the end of a delivery together with the delivery's milestone.
    pub(super) async fn publish_delivery(&self, delivery: Option<Id>) -> Result<()> {
        let Some(id) = delivery else { return Ok(()) };
        let _turn = of(&self.0.deliveries, id).lock().await;
        if let Some(delivery) = self.delivery(id).await? {
            self.publish(delivery.output_project_id, Kind::from(&delivery))
                .await;
        }
        Ok(())
    }

    /// Publishes a milestone that started with its delivery, or stays pending after the delivery's
    /// failure.
    pub(super) async fn publish_milestone_of(&self, delivery: &Delivery) -> Result<()> {
        let Some(id) = delivery.milestone_id else {
            return Ok(());
        };
        let _turn = of(&self.0.milestones, id).lock().await;
        if let Some(milestone) = self.milestone(id).await?
            && milestone.delivery_id == Some(delivery.id)
            && milestone.status_by == Some(MovedBy::Delivery)
        {
            self.publish(milestone.output_project_id, Kind::from(&milestone))
                .await;
        }
        Ok(())
    }

    pub(crate) async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.run("delivery", self.0.store.delivery(id)).await
    }

    pub(crate) async fn deliveries(
        &self,
        project: Id,
        page: Page,
    ) -> Result<Listing<Excerpt<Delivery>>> {
        self.run("deliveries", self.0.store.deliveries(project, page))
            .await
    }

    pub(crate) async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.run("open_deliveries", self.0.store.open_deliveries(project))
            .await
    }

    pub(crate) async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next> {
        self.run("next_delivery", self.0.store.next_delivery(project, query))
            .await
    }

    pub(crate) async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        self.run(
            "projects_with_open_deliveries",
            self.0.store.projects_with_open_deliveries(),
        )
        .await
    }
}
