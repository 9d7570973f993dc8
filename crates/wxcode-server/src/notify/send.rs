//! Sends the notices that are due.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use hyper::{StatusCode, header, header::HeaderName};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use tokio::time::{sleep, timeout};
use wxcode_core::{
    id::Id,
    notice::{Address, Notice, Target},
    time::to_millis,
};
use wxcode_store::Result;

use super::{Attempt, Notices, outside};

/// Notices taken by one look, and sent side by side.
const BATCH: u64 = 16;
/// A taken notice is due again after this time, for another server, if this one dies meanwhile.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// Longest time for the notices of one receiver in a batch; later ones wait.
const LINE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time between two looks.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// The pause after the first failure; it doubles with each one.
const RETRY_FIRST: SignedDuration = SignedDuration::from_secs(5);
/// Longest pause between two attempts.
const RETRY_MAX: SignedDuration = SignedDuration::from_hours(1);
/// A notice is given up this long after its event.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);

/// Sends what is due, again and again; never ends.
pub(super) async fn due(notices: &Notices) {
    loop {
        match batch(notices).await {
            Ok(sent) if sent > 0 => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "notices wait for the store");
                sleep(LOOK_MAX).await;
            }
        }
        let _ = timeout(LOOK_MAX, notices.0.added.notified()).await;
    }
}

/// Sends one batch; returns its size.
async fn batch(notices: &Notices) -> Result<usize> {
    let now = to_millis(Timestamp::now());
    let targets = notices.recent().await?;
    if targets.is_empty() {
        return Ok(0);
    }
    let known: Vec<Id> = targets.iter().map(|target| target.id).collect();
    let store = &notices.0.store;
    let due = store.claim_notices(&known, now, now + CLAIM, BATCH).await?;
    // Those of one receiver go one after another, in their order.
    let mut lines: Vec<(Id, Vec<&Notice>)> = Vec::new();
    for notice in &due {
        match lines
            .iter_mut()
            .find(|(target, _)| *target == notice.target)
        {
            Some((_, line)) => line.push(notice),
            None => lines.push((notice.target, vec![notice])),
        }
    }
    let sending = lines.iter().map(|(id, line)| {
        let target = targets.iter().find(|target| target.id == *id);
        send_line(notices, target, line)
    });
    for sent in join_all(sending).await {
        sent?;
    }
    Ok(due.len())
}

async fn send_line(notices: &Notices, target: Option<&Target>, line: &[&Notice]) -> Result<()> {
    let Some(target) = target else {
        return Ok(());
    };
    let began = Instant::now();
    let mut line = line.iter();
    while let Some(notice) = line.next() {
        let error = match send(notices, target, notice).await {
            Ok(status) if status.is_success() => None,
            // The browser has unsubscribed.
            Ok(StatusCode::NOT_FOUND | StatusCode::GONE)
                if matches!(target.address, Address::Push { .. }) =>
            {
                notices.remove(target.id).await?;
                return Ok(());
            }
            Ok(status) => Some(format!("the answer was {status}")),
            Err(error) => Some(error),
        };
        let has_failed = error.is_some();
        settle(notices, target, notice, error).await?;
        // The others keep their order behind it, and the claim keeps its time.
        if has_failed || began.elapsed() > LINE_TIMEOUT {
            let due_at = to_millis(Timestamp::now()) + pause(notice.attempts.saturating_add(1));
            for later in line.by_ref() {
                let attempts = later.attempts;
                let delaying = notices.0.store.delay_notice(later.id, attempts, due_at);
                delaying.await?;
            }
        }
    }
    Ok(())
}

/// Records the outcome of an attempt.
async fn settle(
    notices: &Notices,
    target: &Target,
    notice: &Notice,
    error: Option<String>,
) -> Result<()> {
    let now = to_millis(Timestamp::now());
    notices.0.metrics.notice_sent(error.is_none());
    let attempt = Attempt {
        at: now,
        error: error.clone(),
    };
    notices.attempts().insert(target.id, attempt);
    let Some(error) = error else {
        return notices.0.store.remove_notice(notice.id).await;
    };
    let attempts = notice.attempts.saturating_add(1);
    let due_at = now + pause(attempts);
    tracing::info!(target = %target.id, event = notice.event, attempts, error, "notice did not arrive");
    if due_at > notice.created_at + GIVE_UP {
        tracing::warn!(target = %target.id, event = notice.event, attempts, error, "notice given up after a day");
        notices.0.metrics.notices_dropped(1);
        return notices.0.store.remove_notice(notice.id).await;
    }
    notices
        .0
        .store
        .delay_notice(notice.id, attempts, due_at)
        .await
}

/// The pause after so many failed attempts.
fn pause(attempts: u32) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(20);
    RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_MAX)
}

async fn send(
    notices: &Notices,
    target: &Target,
    notice: &Notice,
) -> std::result::Result<StatusCode, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    match &target.address {
        Address::Webhook { url, secret, .. } => {
            let url = outside::address(url).map_err(|error| failed(&error))?;
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (
                    HeaderName::from_static("x-wxcode-signature"),
                    signature(secret, notice.body.as_bytes()),
                ),
                (
                    HeaderName::from_static("x-wxcode-event"),
                    notice.kind.clone(),
                ),
                (
                    HeaderName::from_static("x-wxcode-event-id"),
                    notice.event.clone(),
                ),
                (
                    HeaderName::from_static("x-wxcode-attempt"),
                    (notice.attempts + 1).to_string(),
                ),
            ];
            let body = notice.body.clone().into_bytes();
            let sent = outside::post(&url, &headers, body).await;
            sent.map_err(|error| failed(&error))
        }
        Address::Push {
            endpoint,
            p256dh,
            auth,
        } => {
            let url = outside::address(endpoint).map_err(|error| failed(&error))?;
            let keys = notices.keys().await.map_err(|error| failed(&error))?;
            let body = keys.encrypt(p256dh, auth, notice.body.as_bytes());
            let body = body.map_err(|error| failed(&error))?;
            let headers = keys.headers(&url, Timestamp::now());
            let headers = headers.map_err(|error| failed(&error))?;
            let sent = outside::post(&url, &headers, body).await;
            sent.map_err(|error| failed(&error))
        }
    }
}

/// The signature of a body: `sha256=` and the HMAC in hexadecimal.
fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in hmac::sign(&key, body).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_hmacs_in_hexadecimal() {
        // Test case 2 of RFC 4231.
        let signed = signature("Jefe", b"what do ya want for nothing?");
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signed, expected);
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |attempts| pause(attempts).as_secs();
        assert_eq!([1, 2, 3].map(seconds), [5, 10, 20]);
        assert_eq!([11, 40, u32::MAX].map(seconds), [3_600, 3_600, 3_600]);
    }
}
