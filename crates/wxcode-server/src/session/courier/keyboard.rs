//! Input lock of the delivery worker: acquire, release, press keys, look at the prompt.

use bytes::Bytes;
use wxcode_core::delivery::machine::{CLAIM_MS, Event};
use wxcode_holder::client::{ClientError, Request, Sender};
use wxcode_terminal::Size;

use super::{super::look, Courier};

/// The first id of the worker's screens; other readers use smaller ids.
const LOOKS: u64 = 1 << 63;

impl Courier {
    /// The lock was granted.
    pub(in crate::session) async fn claimed(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_claiming && claim == self.claim {
            self.tell(Event::Claimed, holder, now).await?;
        }
        Ok(())
    }

    /// The lock is gone, or was not granted.
    pub(in crate::session) async fn unclaimed(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_claiming && claim == self.claim {
            self.is_claiming = false;
            self.tell(Event::Unclaimed, holder, now).await?;
        }
        Ok(())
    }

    /// A key was not typed, because the lock was gone.
    pub(in crate::session) async fn refused(
        &mut self,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        self.tell(Event::Unclaimed, holder, now).await
    }

    /// Whether the worker requested a screen.
    pub(in crate::session) const fn asked_for(&self, id: u64) -> bool {
        id >= LOOKS
    }

    /// A requested screen arrived.
    pub(in crate::session) async fn looked(
        &mut self,
        id: u64,
        (screen, dump, size): (&str, &[u8], Size),
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        let is_newest = id == LOOKS + self.look;
        let Some(under) = self.under.as_ref().filter(|_| is_newest) else {
            return Ok(());
        };
        let seen = look::prompt(screen, dump, size, &under.delivery.text);
        self.tell(Event::Looked(seen), holder, now).await
    }

    /// Asks for the keyboard.
    pub(super) async fn claim(&mut self, holder: &Sender) -> Result<(), ClientError> {
        self.claim += 1;
        self.is_claiming = true;
        let claim = self.claim;
        let for_ms = u32::try_from(CLAIM_MS).unwrap_or(u32::MAX);
        holder
            .post(Request::Lock {
                lock: claim,
                for_ms,
            })
            .await
    }

    /// Requests the screen.
    pub(super) async fn look(&mut self, holder: &Sender) -> Result<(), ClientError> {
        self.look += 1;
        let id = LOOKS + self.look;
        holder.post(Request::Screen { id }).await
    }

    /// Releases the lock.
    pub(super) async fn release(&mut self, holder: &Sender) -> Result<(), ClientError> {
        if std::mem::take(&mut self.is_claiming) {
            let claim = self.claim;
            holder.post(Request::Unlock { lock: claim }).await?;
        }
        Ok(())
    }

    /// Types keys within the claim.
    pub(super) async fn press(
        &mut self,
        keys: &'static [u8],
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.inputs += 1;
        let (seq, claim, bytes) = (self.inputs, self.claim, Bytes::from_static(keys));
        holder
            .post(Request::LockedInput {
                lock: claim,
                seq,
                bytes,
            })
            .await
    }
}
