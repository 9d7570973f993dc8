//! Points the embed at the built page, or at a placeholder, so that `cargo build` works without Node.

use std::{env, error::Error, fs, path::PathBuf};

const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>wxcode</title>\
<p>This build of wxcode has no page: run <code>make run</code>, or <code>npm ci && npm run build</code> in <code>web/</code> \
and build again. The API and the command line work.";

fn main() -> Result<(), Box<dyn Error>> {
    let built = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    println!("cargo:rerun-if-changed={}", built.display());
    let page = if built.join("index.html").is_file() {
        built.canonicalize()?
    } else {
        let placeholder = PathBuf::from(env::var("OUT_DIR")?).join("page");
        fs::create_dir_all(&placeholder)?;
        fs::write(placeholder.join("index.html"), PLACEHOLDER)?;
        placeholder
    };
    println!("cargo:rustc-env=WXCODE_PAGE={}", page.display());
    Ok(())
}
