//! Input lock of the delivery worker: acquire, release, press keys, look at the prompt.

use bytes::Bytes;
use tokio::time::Instant;
use wxcode_core::delivery::machine::{CLAIM, Event};
use wxcode_holder::client::{ClientError, Request, Sender};
use wxcode_terminal::Size;

use super::DeliveryWorker;
use crate::agent::monitor::screen;

/// The first id of the worker's screens; other readers use smaller ids.
const LOOKS: u64 = 1 << 63;

impl DeliveryWorker {
    /// The lock was granted.
    pub(in crate::agent) async fn lock_granted(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.is_locking && claim == self.lock_id {
            self.advance(Event::Claimed, holder, now).await?;
        }
        Ok(())
    }

    /// The lock is gone, or was not granted.
    pub(in crate::agent) async fn lock_lost(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.is_locking && claim == self.lock_id {
            self.is_locking = false;
            self.advance(Event::Unclaimed, holder, now).await?;
        }
        Ok(())
    }

    /// A key was not typed, because the lock was gone.
    pub(in crate::agent) async fn key_refused(
        &mut self,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        self.advance(Event::Unclaimed, holder, now).await
    }

    /// Whether the worker requested a screen.
    pub(in crate::agent) const fn has_requested(&self, id: u64) -> bool {
        id >= LOOKS
    }

    /// A requested screen arrived.
    pub(in crate::agent) async fn take_screen(
        &mut self,
        id: u64,
        (screen, snapshot, size): (&str, &[u8], Size),
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        let is_newest = id == LOOKS + self.look;
        let Some(current) = self.current.as_ref().filter(|_| is_newest) else {
            return Ok(());
        };
        let seen = screen::prompt(screen, snapshot, size, &current.delivery.text);
        self.advance(Event::Looked(seen), holder, now).await
    }

    /// Asks for the keyboard.
    pub(in crate::agent) async fn acquire(&mut self, holder: &Sender) -> Result<(), ClientError> {
        self.lock_id += 1;
        self.is_locking = true;
        let lock = self.lock_id;
        let for_ms = u32::try_from(CLAIM.as_millis()).unwrap_or(u32::MAX);
        holder.post(Request::Lock { lock, for_ms }).await
    }

    /// Requests the screen.
    pub(in crate::agent) async fn look(&mut self, holder: &Sender) -> Result<(), ClientError> {
        self.look += 1;
        let id = LOOKS + self.look;
        holder.post(Request::Screen { id }).await
    }

    /// Releases the lock.
    pub(in crate::agent) async fn release(&mut self, holder: &Sender) -> Result<(), ClientError> {
        if std::mem::take(&mut self.is_locking) {
            let lock = self.lock_id;
            holder.post(Request::Unlock { lock }).await?;
        }
        Ok(())
    }

    /// Types keys within the claim.
    pub(in crate::agent) async fn press(
        &mut self,
        keys: &'static [u8],
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.inputs += 1;
        let (seq, lock, bytes) = (self.inputs, self.lock_id, Bytes::from_static(keys));
        holder.post(Request::LockedInput { lock, seq, bytes }).await
    }
}
