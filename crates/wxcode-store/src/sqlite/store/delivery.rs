//! The promises about deliveries and notices.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    delivery::Delivery,
    excerpt::Excerpt,
    id::Id,
    notice::{Notice, Target},
};

use crate::{
    DeliveryStore, Edit, Edited, Listing, NewDelivery, Next, NextQuery, NoticeStore, Page, Queued,
    Result, Step,
    sqlite::{delivery, notice, queue, store::SqliteStore},
};

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let delivery = delivery.clone();
        self.writer
            .run(move |tx| delivery::queue(tx, &delivery))
            .await
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.readers.run(move |tx| delivery::get(tx, id)).await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.readers
            .run(move |tx| delivery::list(tx, project, page))
            .await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.readers
            .run(move |tx| delivery::open(tx, project))
            .await
    }

    async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next> {
        self.readers
            .run(move |tx| queue::next(tx, project, query))
            .await
    }

    async fn edit(&self, edit: &Edit) -> Result<Edited> {
        let edit = edit.clone();
        self.writer.run(move |tx| queue::edit(tx, &edit)).await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        self.readers.run(delivery::projects_with_open).await
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let step = step.clone();
        self.writer.run(move |tx| delivery::step(tx, &step)).await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        let delivery = delivery.clone();
        self.writer
            .run(move |tx| delivery::restore(tx, &delivery))
            .await
    }
}

#[async_trait]
impl NoticeStore for SqliteStore {
    async fn add_target(&self, target: &Target) -> Result<bool> {
        let target = target.clone();
        self.writer
            .run(move |tx| notice::add_target(tx, &target))
            .await
    }

    async fn targets(&self) -> Result<Vec<Target>> {
        self.readers.run(notice::targets).await
    }

    async fn remove_target(&self, id: Id) -> Result<bool> {
        self.writer
            .run(move |tx| notice::remove_target(tx, id))
            .await
    }

    async fn add_notice(&self, notice: &Notice) -> Result<u64> {
        let notice = notice.clone();
        self.writer
            .run(move |tx| notice::add_notice(tx, &notice))
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
        self.writer
            .run(move |tx| notice::claim(tx, &targets, now, until, limit))
            .await
    }

    async fn remove_notice(&self, id: Id) -> Result<()> {
        self.writer
            .run(move |tx| notice::remove_notice(tx, id))
            .await
    }

    async fn delay_notice(&self, id: Id, attempts: u32, due_at: Timestamp) -> Result<()> {
        self.writer
            .run(move |tx| notice::delay(tx, id, attempts, due_at))
            .await
    }
}
