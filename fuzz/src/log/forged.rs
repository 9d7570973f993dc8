//! Arbitrary segments: sound records anywhere, of any kind, and bytes that are no record.

use super::{
    read,
    segment::{EXITED, OUTPUT, RESIZED, Segment},
    with_segments,
};
use crate::input::Input;

/// Most segments of a log.
const SEGMENTS: usize = 5;

pub(super) fn run(mut input: Input<'_>) {
    let mut segments: Vec<Segment> = Vec::new();
    let mut at = 0_u64;
    while !input.is_empty() {
        let code = input.byte();
        let len = usize::from(input.byte());
        if code.is_multiple_of(8) || segments.is_empty() {
            let first = match len {
                255 => input.u64(),
                len => at.wrapping_add(len as u64),
            };
            let is_new = segments.iter().all(|segment| segment.first != first);
            if is_new && segments.len() < SEGMENTS {
                segments.push(Segment::new(first));
            }
            continue;
        }
        let Some(segment) = segments.last_mut() else {
            continue;
        };
        let kind = match code % 8 {
            1 => {
                segment.bytes.extend(input.piece(len));
                continue;
            }
            2 => {
                at = input.u64();
                continue;
            }
            3 => RESIZED,
            4 => EXITED,
            5 => code,
            _ => OUTPUT,
        };
        let payload = input.piece(len);
        segment.push(kind, at, u64::from(code), payload);
        if kind == OUTPUT {
            at = at.wrapping_add(payload.len() as u64);
        }
    }
    with_segments(&segments, |session| read(session, &segments));
}
