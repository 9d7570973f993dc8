//! SGR: the pen's colours and attributes.

use crate::params::Params;
use crate::style::{Color, Flags, Style};

/// Applies `CSI … m` to a pen.
pub(crate) fn apply(pen: &mut Style, params: &Params) {
    let mut i = 0;
    while i < params.len() {
        let p = params.get(i);
        match p {
            0 => pen.reset(),
            4 => {
                let style = params.subs(i).first().copied().unwrap_or(1);
                pen.set_underline(if (0..=5).contains(&style) {
                    style as u8
                } else {
                    1
                });
            }
            21 => pen.set_underline(2),
            24 => pen.set_underline(0),
            30..=37 => pen.fg = Color::basic((p - 30) as u8),
            40..=47 => pen.bg = Color::basic((p - 40) as u8),
            90..=97 => pen.fg = Color::basic((p - 90 + 8) as u8),
            100..=107 => pen.bg = Color::basic((p - 100 + 8) as u8),
            39 => pen.fg = Color::DEFAULT,
            49 => pen.bg = Color::DEFAULT,
            38 | 48 | 58 => i += color(pen, params, i),
            59 => {
                // xterm.js stores -1 here and reads white back.
                pen.underline_color = Color::rgb(255, 255, 255);
                pen.update_extended();
            }
            _ => {
                for (flag, on, off) in Flags::SGR {
                    if p == i32::from(on) {
                        pen.flags.set(flag, true);
                    } else if p == i32::from(off) {
                        pen.flags.set(flag, false);
                    }
                }
            }
        }
        i += 1;
    }
}

/// Reads 38, 48 and 58 in all spellings of xterm.js. Returns how many further numbers were used.
fn color(pen: &mut Style, params: &Params, at: usize) -> usize {
    // The position, the kind, the colour space and three values.
    let mut parts = [0, 0, -1, 0, 0, 0];
    let mut space = 0;
    let mut used = 0;
    loop {
        if let Some(part) = parts.get_mut(used + space) {
            *part = params.get(at + used);
        }
        let subs = params.subs(at + used);
        if !subs.is_empty() {
            for (i, sub) in subs.iter().enumerate() {
                if i > 0 && used + i + 1 + space >= parts.len() {
                    break;
                }
                if parts[1] == 5 {
                    space = 1;
                }
                if let Some(part) = parts.get_mut(used + i + 1 + space) {
                    *part = *sub;
                }
            }
            break;
        }
        if parts[1] == 5 && used + space >= 2 || parts[1] == 2 && used + space >= 5 {
            break;
        }
        if parts[1] != 0 {
            space = 1;
        }
        used += 1;
        if at + used >= params.len() || used + space >= parts.len() {
            break;
        }
    }
    let value = |part: i32| if part == -1 { 0 } else { part as u8 };
    let color = match parts[1] {
        2 => Color::rgb(value(parts[3]), value(parts[4]), value(parts[5])),
        5 => Color::indexed(value(parts[3])),
        _ => return used,
    };
    match parts[0] {
        38 => pen.fg = color,
        48 => pen.bg = color,
        _ => pen.underline_color = color,
    }
    used
}
