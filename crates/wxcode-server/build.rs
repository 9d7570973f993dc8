//! Points the embed at the built page, or at a placeholder, so that `cargo build` works without Node.

use std::{env, error::Error, fs, path::PathBuf};

const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>wxcode</title>\
<p>This build of wxcode has no page: run <code>make run</code>, or <code>npm ci && npm run build</code> in <code>web/</code> \
and build again. The API and the command line work.";

fn main() -> Result<(), Box<dyn Error>> {
    let built = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    let is_built = built.join("index.html").is_file();
    // A path that is not there counts as changed each time: then the folder around it is watched, where it will appear.
    let watched = match is_built {
        true => built.clone(),
        false => built.join(".."),
    };
    println!("cargo:rerun-if-changed={}", watched.display());
    let page = if is_built {
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
