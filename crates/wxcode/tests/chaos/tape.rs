//! Compares the clients' output with the session's log: no byte lost, none repeated, every snapshot
//! exact.

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;
use wxcode_holder::log::{Item, Reader, Record, What};
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::support::drawn;

/// Most stored snapshots per session; further snapshots are thinned out.
const SHOTS_MAX: usize = 40;

/// Output received by a client.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    Output {
        offset: u64,
        bytes: Bytes,
    },
    Snapshot {
        offset: u64,
        size: Size,
        bytes: Bytes,
    },
}

/// Compared output.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) bytes: u64,
    pub(crate) snapshots: u64,
    /// Bytes and snapshots missing in the log.
    pub(crate) gone: u64,
}

/// Received and not yet compared output of a project's clients, by session.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    sessions: BTreeMap<String, Strip>,
}

#[derive(Debug, Default)]
struct Strip {
    pieces: Vec<(u64, Bytes)>,
    shots: Vec<(u64, Size, Bytes)>,
}

impl Tape {
    pub(crate) fn add(&mut self, session: &str, given: Given) {
        let strip = self.sessions.entry(session.to_owned()).or_default();
        match given {
            Given::Output { offset, bytes } => strip.pieces.push((offset, bytes)),
            Given::Snapshot {
                offset,
                size,
                bytes,
            } if strip.shots.len() < SHOTS_MAX => strip.shots.push((offset, size, bytes)),
            Given::Snapshot { .. } => {}
        }
    }

    /// Compares the bytes already in the logs; with `all`, the snapshots too.
    pub(crate) fn compare(
        &mut self,
        dir: impl Fn(&str) -> PathBuf,
        all: bool,
    ) -> Result<Compared, String> {
        let mut compared = Compared::default();
        for (session, strip) in &mut self.sessions {
            let dir = dir(session);
            let at = |error| format!("session {session}: {error}");
            if !dir.join("log").exists() {
                // The session was pruned, or the session's project deleted.
                compared.gone += strip.pieces.drain(..).len() as u64;
                compared.gone += strip.shots.drain(..).len() as u64;
                continue;
            }
            if let Some(first) = strip.first() {
                match Reader::open_at(&dir, first) {
                    Ok(Some(log)) => strip.bytes(log, &mut compared).map_err(at)?,
                    _ => compared.gone += strip.pieces.drain(..).len() as u64,
                }
            }
            if all && !strip.shots.is_empty() {
                let log = Reader::open(&dir).map_err(|error| at(error.to_string()))?;
                strip.snapshots(log, &mut compared).map_err(at)?;
            }
        }
        self.sessions
            .retain(|_, strip| !strip.pieces.is_empty() || !strip.shots.is_empty());
        Ok(compared)
    }

    /// The sessions with uncompared output.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &str> {
        self.sessions.keys().map(String::as_str)
    }

    /// Whether everything is compared.
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Drops output that never reached the logs of ended sessions.
    pub(crate) fn forget(&mut self, is_over: impl Fn(&str) -> bool) -> u64 {
        let before = self.sessions.len();
        self.sessions.retain(|session, _| !is_over(session));
        (before - self.sessions.len()) as u64
    }
}

impl Strip {
    /// Compares bytes from the log's first byte on.
    fn bytes(
        &mut self,
        log: impl Iterator<Item = Item>,
        compared: &mut Compared,
    ) -> Result<(), String> {
        let Some(first) = self.first() else {
            return Ok(());
        };
        let end = |(offset, bytes): &(u64, Bytes)| offset + bytes.len() as u64;
        let last = self.pieces.iter().map(end).max().unwrap_or(first);
        let (mut known, mut behind) = (Vec::new(), first);
        for item in log {
            match item {
                Item::Gap { from, to } if from < last && to > first => {
                    return Err(format!("the log lacks the bytes from {from} to {to}"));
                }
                Item::Record(Record {
                    offset,
                    what: What::Output(bytes),
                    ..
                }) => {
                    let skip = behind.saturating_sub(offset).min(bytes.len() as u64);
                    known.extend_from_slice(&bytes[skip as usize..]);
                    behind = first + known.len() as u64;
                }
                _ => {}
            }
            if behind >= last {
                break;
            }
        }
        let mut left = Vec::new();
        for (offset, bytes) in self.pieces.drain(..) {
            if offset + bytes.len() as u64 > behind {
                // The log receives the output a moment later.
                left.push((offset, bytes));
                continue;
            }
            let known = &known[(offset - first) as usize..][..bytes.len()];
            if let Some(at) = (0..bytes.len()).find(|at| known[*at] != bytes[*at]) {
                return Err(format!(
                    "a client was given other bytes than the log holds, at {}: {:?} instead of {:?}",
                    offset + at as u64,
                    excerpt(&bytes[at..]),
                    excerpt(&known[at..])
                ));
            }
            compared.bytes += bytes.len() as u64;
        }
        self.pieces = left;
        Ok(())
    }

    fn first(&self) -> Option<u64> {
        self.pieces.iter().map(|(offset, _)| *offset).min()
    }

    /// Compares the snapshots with the screens drawn from the whole log.
    fn snapshots(
        &mut self,
        log: impl Iterator<Item = Item>,
        compared: &mut Compared,
    ) -> Result<(), String> {
        let mut replay: Option<Terminal> = None;
        for item in log {
            let record = match item {
                // The log dropped its oldest part.
                Item::Record(record) if replay.is_none() && record.offset > 0 => break,
                Item::Record(record) => record,
                Item::Gap { .. } => break,
            };
            match (record.what, &mut replay) {
                (What::Resized(size), None) => replay = Some(Terminal::new(size)),
                (What::Resized(size), Some(screen)) => {
                    // At the offset of a resize, a snapshot may precede or follow the resize.
                    self.take(screen, record.offset, compared)?;
                    if size != screen.size() {
                        screen.resize(size);
                    }
                }
                (What::Output(bytes), Some(screen)) => {
                    let (mut at, mut rest) = (record.offset, &bytes[..]);
                    while !rest.is_empty() {
                        self.take(screen, at, compared)?;
                        let next = self.shots.iter().map(|(offset, ..)| *offset).min();
                        let Some(next) = next else { return Ok(()) };
                        if next <= at {
                            return Err(format!(
                                "a snapshot at {next} has a size that the terminal never had there"
                            ));
                        }
                        let part = ((next - at) as usize).min(rest.len());
                        screen.feed(&rest[..part], &mut Vec::new());
                        rest = &rest[part..];
                        at += part as u64;
                    }
                    self.take(screen, at, compared)?;
                }
                (What::Exited(_), _) | (_, None) => {}
            }
            if let Some(screen) = &replay {
                self.take(screen, record.offset, compared)?;
            }
        }
        // Output beyond the log is compared next time.
        Ok(())
    }

    /// Compares the snapshots with this offset and this size.
    fn take(&mut self, screen: &Terminal, at: u64, compared: &mut Compared) -> Result<(), String> {
        let is_of =
            |(offset, size, _): &mut (u64, Size, Bytes)| *offset == at && *size == screen.size();
        let expected = std::cell::OnceCell::new();
        for (offset, size, shot) in self.shots.extract_if(.., is_of) {
            let shown = shown(size, &shot);
            if drawn(&shown) != *expected.get_or_init(|| drawn(screen)) {
                return Err(format!(
                    "the snapshot at {offset}, {size:?}, is not the screen that the log draws.\nsnapshot:\n{}\nlog:\n{}",
                    shown.text(),
                    screen.text()
                ));
            }
            compared.snapshots += 1;
        }
        Ok(())
    }
}

fn shown(size: Size, dump: &[u8]) -> Terminal {
    let mut screen = Terminal::new(size);
    screen.feed(dump, &mut Vec::new());
    screen
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: u64, what: What) -> Item {
        Item::Record(Record {
            offset,
            at_ms: 0,
            what,
        })
    }

    fn size(cols: u16) -> Size {
        Size::new(cols, 5).unwrap()
    }

    /// Nine bytes, with another size after the sixth.
    fn log() -> impl Iterator<Item = Item> {
        let output = |bytes: &'static [u8]| What::Output(Bytes::from_static(bytes));
        [
            record(0, What::Resized(size(20))),
            record(0, output(b"one")),
            record(3, output(b"two")),
            record(6, What::Resized(size(30))),
            record(6, output(b"six")),
        ]
        .into_iter()
    }

    fn bytes(pieces: &[(u64, &'static [u8])]) -> Result<(u64, usize), String> {
        let piece = |(offset, bytes): &(u64, &'static [u8])| (*offset, Bytes::from_static(bytes));
        let mut strip = Strip {
            pieces: pieces.iter().map(piece).collect(),
            shots: Vec::new(),
        };
        let mut compared = Compared::default();
        strip.bytes(log(), &mut compared)?;
        Ok((compared.bytes, strip.pieces.len()))
    }

    #[test]
    fn bytes_match_the_log() {
        assert_eq!(
            bytes(&[(0, b"onetwo"), (2, b"etw"), (6, b"six")]),
            Ok((12, 0))
        );
        assert_eq!(bytes(&[(8, b"xtoo early")]), Ok((0, 1)));
        for wrong in [(0, b"onttwo".as_slice()), (1, b"onet"), (4, b"two")] {
            assert!(bytes(&[wrong]).is_err(), "{wrong:?}");
        }
        let gap = [Item::Gap { from: 1, to: 2 }].into_iter();
        let mut strip = Strip {
            pieces: vec![(0, Bytes::from_static(b"one"))],
            shots: Vec::new(),
        };
        assert!(strip.bytes(gap, &mut Compared::default()).is_err());
    }

    /// Compares the screen of a terminal after these bytes, with this size from the sixth byte on.
    fn snapshot(offset: u64, cols: u16, bytes: &[u8]) -> Result<(u64, usize), String> {
        let mut screen = Terminal::new(size(20));
        let (before, after) = bytes.split_at(bytes.len().min(6));
        screen.feed(before, &mut Vec::new());
        if cols != 20 {
            screen.resize(size(cols));
        }
        screen.feed(after, &mut Vec::new());
        let mut strip = Strip {
            pieces: Vec::new(),
            shots: vec![(offset, size(cols), screen.snapshot().into())],
        };
        let mut compared = Compared::default();
        strip.snapshots(log(), &mut compared)?;
        Ok((compared.snapshots, strip.shots.len()))
    }

    #[test]
    fn snapshots_match_the_logs_screen() {
        for (offset, cols, bytes) in [
            (0, 20, b"".as_slice()),
            (2, 20, b"on"),
            (6, 20, b"onetwo"),
            (6, 30, b"onetwo"),
            (9, 30, b"onetwosix"),
        ] {
            assert_eq!(snapshot(offset, cols, bytes), Ok((1, 0)), "{offset}");
        }
        assert_eq!(
            snapshot(12, 30, b"onetwosix..."),
            Ok((0, 1)),
            "not yet there"
        );
        assert!(snapshot(2, 20, b"one").is_err(), "another screen");
        assert!(snapshot(2, 30, b"on").is_err(), "another size");
    }
}
