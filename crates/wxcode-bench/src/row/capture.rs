//! Finding the conversation's id in a run's output, compared with only reading the bytes from a
//! pipe.

use std::{
    hint::black_box,
    io::{Read as _, Write as _},
    thread,
};

use rustix::time::{ClockId, clock_gettime};
use wxcode_claude::stream::{InitCapture, Messages};

use super::Row;
use crate::{Bench, samples::Samples};

/// MiB of output before the wanted line.
const OUTPUT: usize = 64;
/// Bytes per read, like a holder's reads from a PTY.
const PIECE: usize = 64 << 10;
/// The target, as a share of the rate of reading alone.
const TARGET: f64 = 0.5;
/// Bytes of text in the lines: mostly few, sometimes a file, once the largest tool result.
const TEXT: usize = 2_000;
const FILE: usize = 256 << 10;
const LARGEST: usize = 5 << 20;
/// Among this many lines, a single line holds a file.
const FILES: usize = 200;

const ID: &str = "0d6a3f0e-54a1-4ee0-9a5a-0b6a1c7d2e11";

/// A run's output from a terminal; the init line comes last.
fn output() -> Vec<u8> {
    let said = |len: usize| {
        let text = "What a tool gave: \\\"módulo\\\" in src/main.rs\\n".repeat(len / 46);
        format!(
            r#"{{"type":"user","message":{{"role":"user","content":[{{"tool_use_id":"t","type":"tool_result","content":"{text}"}}]}},"session_id":"{ID}"}}"#
        ) + "\r\n"
    };
    let (text, file) = (said(TEXT), said(FILE));
    let mut output = said(LARGEST).into_bytes();
    let mut lines = 0_usize;
    while output.len() < OUTPUT << 20 {
        lines += 1;
        let line = if lines.is_multiple_of(FILES) {
            &file
        } else {
            &text
        };
        output.extend_from_slice(line.as_bytes());
    }
    let init = format!(r#"{{"type":"system","subtype":"init","session_id":"{ID}"}}"#);
    output.extend_from_slice(init.as_bytes());
    output
}

/// Processor seconds of this thread, without other processes' work.
fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Reads the bytes from a pipe and hands each piece on; returns bytes per second of the reader's
/// processor time.
fn rate(output: &[u8], mut each: impl FnMut(&[u8])) -> anyhow::Result<f64> {
    let (mut reader, mut writer) = std::io::pipe()?;
    thread::scope(|scope| {
        // The writer fails only after the reader.
        scope.spawn(move || writer.write_all(output));
        let mut piece = vec![0; PIECE];
        let (mut bytes, start) = (0, processor_time());
        loop {
            let len = reader.read(&mut piece)?;
            if len == 0 {
                return Ok(bytes as f64 / (processor_time() - start));
            }
            bytes += len;
            each(&piece[..len]);
        }
    })
}

pub(super) fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let output = output();
    let mut rates = [const { Vec::new() }; 3];
    let mut shares = [Samples::default(), Samples::default()];
    for _ in 0..bench.times(15, 7) {
        let read = rate(&output, |piece| {
            black_box(piece);
        })?;
        let mut capture = InitCapture::new();
        let captured = rate(&output, |piece| {
            capture.push(piece);
        })?;
        let found = capture.finish().map(|id| id.to_string());
        anyhow::ensure!(found.as_deref() == Some(ID), "the id was not found");
        let (mut messages, mut count) = (Messages::default(), 0);
        let told = rate(&output, |piece| {
            messages.push(piece, |_, messages| count += messages.len());
        })?;
        anyhow::ensure!(count > FILES, "the messages were not told");
        for (rates, rate) in rates.iter_mut().zip([read, captured, told]) {
            rates.push(rate / 1e6);
        }
        shares[0].push(captured / read);
        shares[1].push(told / read);
    }
    let [read, captured, told] = rates.map(|rates| rates.into_iter().collect::<Samples>());
    let [share, of_messages] = shares;
    Ok(vec![Row {
        what: format!(
            "looking for the id in {OUTPUT} MiB of a run's output, beside reading them from a pipe"
        ),
        target: format!("{TARGET} of reading"),
        reached: Some(share.median() >= TARGET),
        measured: format!("{:.2}", share.median()),
        numbers: format!(
            "{:.0} MB/s, reading alone {:.0} MB/s; telling all messages {:.2}, {:.0} MB/s; a PTY gives about 200 MB/s; medians of {} runs",
            captured.median(),
            read.median(),
            of_messages.median(),
            told.median(),
            read.len(),
        ),
    }])
}
