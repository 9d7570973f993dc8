//! A log written like the holder's, sound or damaged in one place: the remaining records are known
//! exactly.

use wxcode_holder::log::{Item, MAGIC, What, last_size, screen};
use wxcode_terminal::{Screen as _, Size, Terminal};

use super::{
    read,
    segment::{OUTPUT, RESIZED, Segment},
    with_segments,
};
use crate::input::Input;

/// Most segments of a log.
const SEGMENTS: usize = 6;
/// Longest damage in bytes: a checksum of 32 bits detects each of this length.
const DAMAGE: usize = 4;

/// Longest side of a screen: a larger one only costs time.
const SIDE: u16 = 64;

/// The content of a record, its offset, and the end of its bytes in its segment.
type Written = (u64, What, usize);

/// A log, and the records of each segment.
struct Log {
    segments: Vec<Segment>,
    records: Vec<Vec<Written>>,
    at: u64,
    size: Size,
}

pub(super) fn run(mut input: Input<'_>) {
    let damage = (input.byte(), input.byte(), input.u16());
    let mask = std::array::from_fn(|_| input.byte());
    let mut log = Log::written(input);
    let is_damaged = log.damage(damage, mask);

    let items = with_segments(&log.segments, |session| {
        assert_eq!(last_size(session), log.last_size());
        if !is_damaged {
            let drawn = screen(session).unwrap();
            assert_eq!((drawn.text(), drawn.size()), log.drawn());
        }
        read(session, &log.segments)
    });
    let contents = items.into_iter().map(|item| match item {
        Item::Record(record) => Ok((record.offset, record.what)),
        Item::Gap { from, to } => Err((from, to)),
    });
    assert_eq!(contents.collect::<Vec<_>>(), log.expected());
}

impl Log {
    fn written(mut input: Input<'_>) -> Self {
        let mut log = Self {
            segments: Vec::new(),
            records: Vec::new(),
            at: 0,
            size: Size { cols: 80, rows: 24 },
        };
        log.begin();
        while !input.is_empty() {
            let code = input.byte();
            match code % 8 {
                0 => log.begin(),
                1 => {
                    let (cols, rows) = (input.u16() % SIDE, input.u16() % SIDE);
                    log.size = Size {
                        cols: cols + 1,
                        rows: rows + 1,
                    };
                    log.resized();
                }
                _ => {
                    let bytes = input.piece(usize::from(code));
                    log.push(OUTPUT, bytes, What::Output(bytes.to_vec().into()));
                    log.at += bytes.len() as u64;
                }
            }
        }
        log
    }

    /// Begins a segment, unless the last one holds only sizes.
    fn begin(&mut self) {
        let has_output = self.segments.last().is_none_or(|last| last.first < self.at);
        if has_output && self.segments.len() < SEGMENTS {
            self.segments.push(Segment::new(self.at));
            self.records.push(Vec::new());
            self.resized();
        }
    }

    fn resized(&mut self) {
        let Size { cols, rows } = self.size;
        let payload = [cols.to_be_bytes(), rows.to_be_bytes()].concat();
        self.push(RESIZED, &payload, What::Resized(self.size));
    }

    fn push(&mut self, kind: u8, payload: &[u8], what: What) {
        if let (Some(segment), Some(records)) = (self.segments.last_mut(), self.records.last_mut())
        {
            segment.push(kind, self.at, 0, payload);
            records.push((self.at, what, segment.bytes.len()));
        }
    }

    /// Damages one place and removes the lost records; returns false if nothing changed.
    fn damage(&mut self, (how, which, at): (u8, u8, u16), mask: [u8; DAMAGE]) -> bool {
        let which = usize::from(which) % self.segments.len();
        let bytes = &mut self.segments[which].bytes;
        let at = usize::from(at) % bytes.len();
        match how % 4 {
            0 => return false,
            1 => bytes.truncate(at),
            2 => {
                self.segments.remove(which);
                self.records.remove(which);
                return true;
            }
            _ => {
                let Some(changed) = mask.iter().position(|bits| *bits != 0) else {
                    return false;
                };
                for (byte, bits) in bytes[at..].iter_mut().zip(mask) {
                    *byte ^= bits;
                }
                if at + changed >= bytes.len() {
                    return false;
                }
                let sound = at + changed;
                self.records[which].retain(|(.., end)| *end <= sound && sound >= MAGIC.len());
                return true;
            }
        }
        self.records[which].retain(|(.., end)| *end <= at);
        true
    }

    fn contents(&self) -> impl Iterator<Item = (u64, What)> {
        let records = self.records.iter().flatten();
        records.map(|(offset, what, _)| (*offset, what.clone()))
    }

    /// The expected result of a reader, with the gaps.
    fn expected(&self) -> Vec<Result<(u64, What), (u64, u64)>> {
        let mut expected = Vec::new();
        let mut at = None;
        for (offset, what) in self.contents() {
            if let Some(from) = at.filter(|from| *from < offset) {
                expected.push(Err((from, offset)));
            }
            let len = match &what {
                What::Output(bytes) => bytes.len(),
                _ => 0,
            };
            at = Some(offset + len as u64);
            expected.push(Ok((offset, what)));
        }
        expected
    }

    fn last_size(&self) -> Option<Size> {
        self.contents()
            .filter_map(|(_, what)| match what {
                What::Resized(size) => Some(size),
                _ => None,
            })
            .last()
    }

    /// The screen drawn by the whole log, and its size.
    fn drawn(&self) -> (String, Size) {
        let mut terminal = Terminal::new(Size { cols: 80, rows: 24 });
        for (_, what) in self.contents() {
            match what {
                What::Output(bytes) => terminal.feed(&bytes, &mut Vec::new()),
                What::Resized(size) => terminal.resize(size),
                What::Exited(_) => {}
            }
        }
        (terminal.text(), terminal.size())
    }
}
