//! This server's identity on a shared store: an id, stored in the data folder, and a name for
//! people.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use uuid::Uuid;
use wxcode_server::{Node, Shared};

use crate::config::NodeSettings;

/// The identity of the server with this data folder; the caller holds the folder's lock.
pub(crate) fn load(settings: &NodeSettings, data_dir: &Path) -> anyhow::Result<Shared> {
    let path = data_dir.join("node");
    let id = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().with_context(|| {
            format!(
                "{} contains no id: remove it while no session of this data folder runs, and start again",
                path.display()
            )
        })?,
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path).with_context(|| {
            format!("cannot write {}: check the data folder's permissions", path.display())
        })?,
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read {}: check its permissions", path.display()));
        }
    };
    let name = settings.name.clone().unwrap_or_else(|| {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("{}:{}", host.trim(), data_dir.display())
    });
    Ok(Shared {
        node: Node { id, name },
        lease: settings.lease,
    })
}

fn make(path: &Path) -> std::io::Result<Uuid> {
    let id = Uuid::new_v4();
    let draft = path.with_extension("tmp");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn named(name: Option<&str>) -> NodeSettings {
        NodeSettings {
            name: name.map(str::to_owned),
            lease: Duration::from_secs(1),
            advertise: None,
            capacity: None,
            drain: Duration::ZERO,
            takes_over: false,
        }
    }

    #[test]
    fn a_data_folder_keeps_its_id() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = load(&named(None), one.path()).unwrap().node;
        assert!(
            first.name.ends_with(&one.path().display().to_string()),
            "{}",
            first.name
        );
        let again = load(&named(Some("box")), one.path()).unwrap().node;
        assert_eq!((again.id, again.name.as_str()), (first.id, "box"));
        assert_ne!(load(&named(None), two.path()).unwrap().node.id, first.id);
        fs::write(one.path().join("node"), "").unwrap();
        assert!(load(&named(None), one.path()).is_err());
    }
}
