//! Warns of an embedded store on a network file system, because locks there are unreliable.

use std::{fs, path::Path};

use super::Findings;
use crate::store::StoreChoice;

/// Types of file systems with data that other machines may change.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "virtiofs",
];
/// The same, in user space: the part after `fuse.`.
const FUSE: &[&str] = &[
    "ceph",
    "cephfs",
    "davfs",
    "gcsfuse",
    "glusterfs",
    "rclone",
    "s3fs",
    "sshfs",
];

pub(super) fn check(store: &StoreChoice, data_dir: &Path, findings: &mut Findings) {
    if !matches!(store, StoreChoice::Sqlite(_)) {
        return;
    }
    let (Ok(mounts), Ok(dir)) = (
        fs::read_to_string("/proc/self/mountinfo"),
        std::path::absolute(data_dir),
    ) else {
        return;
    };
    if let Some(kind) = kind_of(&mounts, &dir).filter(|kind| is_network(kind)) {
        findings.doubtful(
            "file system",
            &format!(
                "{} is on {kind}, a network file system: the embedded store (SQLite) may be damaged there; put \
                 the data folder on a local disk, or use a MongoDB store",
                data_dir.display()
            ),
        );
    }
}

fn is_network(kind: &str) -> bool {
    match kind.strip_prefix("fuse.") {
        Some(program) => FUSE.contains(&program),
        None => NETWORK.contains(&kind),
    }
}

/// The type of the file system of a path, from `/proc/self/mountinfo` (see proc(5)). Of two mounts
/// in the same place the later mount counts.
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let point = unescaped(place.split(' ').nth(4)?);
        path.starts_with(&point)
            .then(|| (point.len(), kind.split(' ').next().unwrap_or_default()))
    });
    mounts
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

/// A path with the octal escapes undone.
fn unescaped(text: &str) -> String {
    let escapes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let mut text = text.to_owned();
    for (escape, plain) in escapes {
        text = text.replace(escape, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /home rw,relatime shared:9 - nfs4 server:/home rw
31 30 0:26 / /home/me/local\\040disk rw - xfs /dev/sdb1 rw
32 22 0:27 / /far rw - ext4 /dev/sdc1 rw
33 22 0:28 / /far rw - fuse.sshfs me@host: rw
34 22 0:29 / /layered rw - fuse.fuse-overlayfs x rw
";

    #[test]
    fn the_innermost_mount_counts() {
        for (path, kind, network) in [
            ("/var/wx", "ext4", false),
            ("/homes/me", "ext4", false),
            ("/home/me/.wxcode", "nfs4", true),
            ("/home/me/local disk/wx", "xfs", false),
            ("/far/wx", "fuse.sshfs", true),
            ("/layered/wx", "fuse.fuse-overlayfs", false),
        ] {
            let found = kind_of(MOUNTS, Path::new(path));
            assert_eq!(found, Some(kind), "{path}");
            assert_eq!(is_network(kind), network, "{kind}");
        }
    }
}
