//! The crates in the program.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn the_program_depends_on_protocol_and_terminal_alone() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "-p", "wxcode-holder", "-e", "normal"])
        .args([
            "--prefix",
            "none",
            "--format",
            "{lib}",
            "--locked",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let ours: std::collections::BTreeSet<_> = text
        .lines()
        // Cargo marks a repeated crate after its name.
        .filter_map(|line| line.split(' ').next())
        .filter(|name| name.starts_with("wxcode"))
        .collect();
    assert!(
        ours.iter()
            .eq(["wxcode_holder", "wxcode_protocol", "wxcode_terminal"].iter()),
        "{ours:?}"
    );
    for name in ["tokio", "mio", "clap", "rustls", "libsqlite3_sys"] {
        assert!(
            !text
                .lines()
                .any(|line| line.split(' ').next() == Some(name)),
            "{name}: {text}"
        );
    }
}
