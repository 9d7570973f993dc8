//! Whether agents can be kept from the data folder, with `[agent] protect_data`.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::bail;
use wxcode_holder::confine;

/// Checks that the kernel and the place of the data folder allow it.
pub(crate) fn check(data_dir: &Path) -> anyhow::Result<()> {
    confine::check()?;
    let mut needed: Vec<PathBuf> = env::home_dir().into_iter().collect();
    needed.extend([env::temp_dir(), "/tmp".into(), "/var/tmp".into()]);
    if let Some(folder) = confine::obstructed(data_dir, &needed) {
        bail!(
            "`[agent] protect_data` closes the data folder {} to agents, and with it new files directly in {}, \
             where agents create some: choose a data folder elsewhere, such as --data-dir /var/lib/wxcode",
            data_dir.display(),
            folder.display()
        );
    }
    Ok(())
}
