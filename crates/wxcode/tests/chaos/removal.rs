//! Deletes projects, also with a kill of the server meanwhile, and checks that nothing is left.

use std::time::Duration;

use reqwest::Method;
use tokio::time::{Instant, sleep, timeout};

use super::{
    count::Account,
    process::{LAST_STEPS, Tree},
    world::{REQUEST, Verdict, World},
};

impl World {
    pub(crate) async fn remake(&mut self, slot: usize, account: &mut Account) -> Verdict<bool> {
        self.remove(slot, account).await?;
        self.slots[slot] = self.make().await?;
        Ok(true)
    }

    pub(crate) async fn remake_amid(
        &mut self,
        slot: usize,
        after: Option<u64>,
        account: &mut Account,
    ) -> Verdict<bool> {
        let tree = self.last_look(slot, account).await?;
        let path = self.path(slot, "?force=true");
        let mut asked = tokio::spawn(self.ask_anyhow(Method::DELETE, &path, None));
        let patience = after.map_or(REQUEST, Duration::from_millis);
        let said = timeout(patience, &mut asked).await;
        self.server.crash().await;
        let before = match said {
            Ok(said) => said,
            Err(_) => asked.await,
        };
        let before = before.ok().and_then(Result::ok);
        self.server.up().await;
        let was_told = before.is_some_and(|before| before.status == 204);
        let again = if was_told {
            let project = self.path(slot, "");
            self.ask(Method::GET, &project, None)
                .await?
                .expect(&[404])?
        } else {
            let again = self.ask(Method::DELETE, &path, None).await?;
            again.expect(&[204, 404])?
        };
        self.removed(slot, &tree, account).await?;
        self.slots[slot] = self.make().await?;
        Ok(again.status == 404)
    }

    /// Deletes a project and checks that nothing is left.
    pub(crate) async fn remove(&mut self, slot: usize, account: &mut Account) -> Verdict {
        let tree = self.last_look(slot, account).await?;
        let path = self.path(slot, "?force=true");
        let said = self.ask(Method::DELETE, &path, None).await?;
        said.expect(&[204])?;
        self.removed(slot, &tree, account).await
    }

    /// Compares the data before the deletion; returns the files and processes that must go.
    async fn last_look(&mut self, slot: usize, account: &mut Account) -> Verdict<Tree> {
        self.deliveries(slot).await?;
        let collected = self.slots[slot].collect();
        collected.map_err(|wrong| self.of(slot, &wrong))?;
        self.compare(slot, true, account)?;
        Ok(self.tree(slot))
    }

    /// Checks that nothing of a deleted project is left.
    async fn removed(&mut self, slot: usize, tree: &Tree, account: &mut Account) -> Verdict {
        self.sweep(slot);
        self.all_gone(slot, tree).await?;
        let compared = self.slots[slot].compare_taken(true);
        compared.map_err(|wrong| self.of(slot, &wrong))?;
        let place = &mut self.slots[slot];
        for (end, count) in place.ends()? {
            *account.deliveries.entry(end).or_default() += count;
        }
        account.events += place.follower.told().events.len() as u64;
        place.clients = Default::default();
        // Folders are removed in the background.
        let until = Instant::now() + LAST_STEPS;
        loop {
            let families = self.slots[slot].families(self.server.data_dir());
            let Some(family) = families.first() else {
                return Ok(());
            };
            if Instant::now() > until {
                let wrong = format!(
                    "the project is deleted, but {} remains",
                    family.dir.display()
                );
                return Err(self.of(slot, &wrong));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}
