//! The promises about deliveries and notices.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    delivery::Delivery,
    excerpt::Excerpt,
    id::Id,
    notice::{Notice, Target},
};
use wxcode_store::{
    DeliveryStore, Edit, Edited, Listing, NewDelivery, Next, NextQuery, NoticeStore, Page, Queued,
    Result, Step,
};

use super::MongoStore;
use crate::{
    delivery::{self, list},
    notice,
};

#[async_trait]
impl DeliveryStore for MongoStore {
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let delivery = delivery.clone();
        self.run(move |records, attempt| {
            let delivery = delivery.clone();
            async move { delivery::queue(&records, &delivery, attempt).await }
        })
        .await
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.run(move |records, _| async move { list::get(&records, id).await })
            .await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.run(move |records, _| async move { list::list(&records, project, page).await })
            .await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.run(move |records, _| async move { list::open(&records, project).await })
            .await
    }

    async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next> {
        self.run(
            move |records, _| async move { delivery::queue::next(&records, project, query).await },
        )
        .await
    }

    async fn edit(&self, edit: &Edit) -> Result<Edited> {
        let edit = edit.clone();
        self.run(move |records, attempt| {
            let edit = edit.clone();
            async move { delivery::queue::edit(&records, &edit, attempt).await }
        })
        .await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        let upkeep = Arc::clone(&self.upkeep);
        self.run(move |records, _| {
            let upkeep = Arc::clone(&upkeep);
            async move {
                upkeep.look(&records).await?;
                list::projects_with_open(&records).await
            }
        })
        .await
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let step = step.clone();
        self.run(move |records, attempt| {
            let step = step.clone();
            async move { delivery::step(&records, &step, attempt).await }
        })
        .await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        let delivery = delivery.clone();
        self.run(move |records, attempt| {
            let delivery = delivery.clone();
            async move { delivery::restore(&records, &delivery, attempt).await }
        })
        .await
    }
}

#[async_trait]
impl NoticeStore for MongoStore {
    async fn add_target(&self, target: &Target) -> Result<bool> {
        let target = target.clone();
        self.run(move |records, _| {
            let target = target.clone();
            async move { notice::add_target(&records, &target).await }
        })
        .await
    }

    async fn targets(&self) -> Result<Vec<Target>> {
        self.run(move |records, _| async move { notice::targets(&records).await })
            .await
    }

    async fn remove_target(&self, id: Id) -> Result<bool> {
        self.run(move |records, attempt| async move {
            notice::remove_target(&records, id, attempt.is_again).await
        })
        .await
    }

    async fn add_notice(&self, notice: &Notice) -> Result<u64> {
        let notice = notice.clone();
        self.run(move |records, _| {
            let notice = notice.clone();
            async move { notice::add_notice(&records, &notice).await }
        })
        .await
    }

    async fn claim_notices(
        &self,
        targets: &[Id],
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Notice>> {
        let targets = targets.to_vec();
        self.run(move |records, _| {
            let targets = targets.clone();
            async move { notice::claim(&records, &targets, now, until, limit).await }
        })
        .await
    }

    async fn remove_notice(&self, id: Id) -> Result<()> {
        self.run(move |records, _| async move { notice::remove_notice(&records, id).await })
            .await
    }

    async fn delay_notice(&self, id: Id, attempts: u32, due_at: Timestamp) -> Result<()> {
        self.run(
            move |records, _| async move { notice::delay(&records, id, attempts, due_at).await },
        )
        .await
    }
}
