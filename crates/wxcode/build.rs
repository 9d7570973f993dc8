//! Links the program to a fixed address: each session's holder is this program, and 17,000 relocations made 250 KiB of
//! its pages its own. See docs/adr/0002-fixed-address.md.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bin=wxcode=-no-pie");
    }
}
