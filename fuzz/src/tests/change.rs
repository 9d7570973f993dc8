//! Changes of seeds: bytes, numbers and parts, within and between seeds.

use fastrand::Rng;

/// Longest input, in bytes: small inputs find the edges.
const LONGEST: usize = 4_096;
/// Most changes of an input.
const CHANGES: usize = 8;
/// Bytes with a meaning in most formats.
const TELLING: &[u8] = b"\0\x01\x7f\x80\xff\x1b[];{}\"\\,:-/.%\r\n 0989";
/// Numbers at the edges of types.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "255",
    "65536",
    "2147483647",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "1e999",
];

/// A seed with some changes.
pub(super) fn changed(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut input = seeds[random.usize(..seeds.len())].clone();
    input.truncate(LONGEST);
    for _ in 0..random.usize(1..=CHANGES) {
        change(&mut input, &seeds[random.usize(..seeds.len())], random);
        input.truncate(LONGEST);
    }
    input
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let at = random.usize(..=input.len());
    match random.u8(..9) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.u8(..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = TELLING[random.usize(..TELLING.len())];
            }
        }
        2 => input.insert(at, random.u8(..)),
        3 => input.insert(at, TELLING[random.usize(..TELLING.len())]),
        4 => drop(input.drain(part(at, input.len(), random))),
        5 => insert(input, at, &part_of(&input.clone(), random)),
        6 => insert(input, at, &part_of(other, random)),
        7 => insert(input, at, NUMBERS[random.usize(..NUMBERS.len())].as_bytes()),
        _ => {
            input.truncate(at);
            input.extend_from_slice(&other[random.usize(..=other.len())..]);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn part_of(bytes: &[u8], random: &mut Rng) -> Vec<u8> {
    let at = random.usize(..=bytes.len());
    bytes[part(at, bytes.len(), random)].to_vec()
}

/// A range that begins at `at`; short ones are more frequent.
fn part(at: usize, len: usize, random: &mut Rng) -> std::ops::Range<usize> {
    let longest = (len - at).min(1 << random.u8(..12));
    at..at + random.usize(..=longest)
}
