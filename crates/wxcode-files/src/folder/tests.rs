use std::os::unix::{fs::symlink, net::UnixListener};

use rustix::fs::{CWD, mknodat};
use tempfile::TempDir;

use super::*;
use crate::beneath::walk;

const MAX: u64 = 1 << 20;

/// Makes a workspace `w` next to a folder `outside` with a file.
fn place() -> (TempDir, Folder) {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join("w/in/ner")).unwrap();
    fs::write(temp.path().join("w/in/file"), "text").unwrap();
    fs::create_dir(temp.path().join("outside")).unwrap();
    fs::write(temp.path().join("outside/secret"), "secret").unwrap();
    let folder = Folder::open(&temp.path().join("w")).unwrap();
    (temp, folder)
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

fn read(folder: &Folder, below: &str, links: Links) -> Result<Vec<u8>, FileError> {
    folder.file(Path::new(below), links)?.read(MAX)
}

/// The code of the refusal, the same for all treatments of links.
#[track_caller]
fn refusal(folder: &Folder, below: &str) -> (&'static str, String) {
    let errors = [Links::Refuse, Links::Beneath, Links::Follow]
        .map(|links| read(folder, below, links).unwrap_err());
    assert!(errors.iter().all(|error| error.code() == errors[0].code()));
    (errors[0].code(), errors[0].to_string())
}

#[test]
fn other_kinds_are_named_and_not_opened() {
    let (temp, folder) = place();
    let at = |name: &str| temp.path().join("w").join(name);
    fifo(&at("fifo"));
    let _socket = UnixListener::bind(at("socket")).unwrap();
    fs::File::create(at("huge"))
        .unwrap()
        .set_len(10 << 30)
        .unwrap();
    for (name, code, words) in [
        (
            "fifo",
            "file_wrong_kind",
            "is a FIFO, and a regular file is needed",
        ),
        ("socket", "file_wrong_kind", "is a socket"),
        ("in", "file_wrong_kind", "is a folder"),
        ("huge", "file_too_large", "has 10737418240 bytes"),
        ("none", "file_missing", "does not exist"),
        ("none/file", "file_missing", "w/none does not exist"),
        (
            "fifo/file",
            "file_wrong_kind",
            "w/fifo is a FIFO, and a folder is needed",
        ),
        ("../outside/secret", "file_outside", "leads out of"),
        ("/etc/passwd", "file_outside", "leads out of"),
    ] {
        let (found, text) = refusal(&folder, name);
        assert_eq!(found, code, "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
    }
    assert_eq!(crate::read(&at("in/file"), 4).unwrap(), b"text");
    assert_eq!(
        crate::read(&at("in/file"), 3).unwrap_err().code(),
        "file_too_large"
    );
    let device = crate::read(Path::new("/dev/zero"), MAX).unwrap_err();
    assert!(device.to_string().contains("is a character device"));
    for name in ["fifo", "socket", "in/file", "none"] {
        let error = Folder::open(&at(name)).unwrap_err();
        let code = if name == "none" {
            "file_missing"
        } else {
            "file_wrong_kind"
        };
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn links_are_followed_only_where_allowed() {
    let (temp, folder) = place();
    let at = |name: &str| temp.path().join("w").join(name);
    symlink("in/file", at("near")).unwrap();
    symlink(at("in/file"), at("absolute")).unwrap();
    symlink("in", at("folder")).unwrap();
    symlink("../outside/secret", at("far")).unwrap();
    symlink(temp.path().join("outside"), at("outside")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("/dev/zero", at("device")).unwrap();
    for (name, refuse, beneath, follow) in [
        ("near", "file_is_link", "", ""),
        ("absolute", "file_is_link", "", ""),
        ("folder/file", "file_is_link", "", ""),
        ("far", "file_is_link", "file_outside", ""),
        ("outside/secret", "file_is_link", "file_outside", ""),
        ("loop", "file_is_link", "file_is_loop", "file_is_loop"),
        ("loop/file", "file_is_link", "file_is_loop", "file_is_loop"),
        ("device", "file_is_link", "file_outside", "file_wrong_kind"),
    ] {
        let code = |links| read(&folder, name, links).map_or_else(|error| error.code(), |_| "");
        assert_eq!(code(Links::Refuse), refuse, "{name}");
        assert_eq!(code(Links::Beneath), beneath, "{name}");
        assert_eq!(code(Links::Follow), follow, "{name}");
    }
    let link = read(&folder, "folder/file", Links::Refuse).unwrap_err();
    assert!(link.to_string().contains("w/folder is a link"), "{link}");
}

#[test]
fn the_walk_without_openat2_decides_the_same() {
    let (temp, folder) = place();
    let at = |name: &str| temp.path().join("w").join(name);
    symlink("in", at("folder")).unwrap();
    symlink("in/file", at("near")).unwrap();
    symlink("in", at("in/loop")).unwrap();
    fifo(&at("fifo"));
    for name in [
        "in/file",
        "in",
        "in/ner",
        "fifo",
        "near",
        "folder/file",
        "none",
        "fifo/x",
        "in/loop",
    ] {
        for flags in [OFlags::PATH | OFlags::CLOEXEC, PLACE] {
            let kind = |fd: OwnedFd| FileType::from_raw_mode(fstat(&fd).unwrap().st_mode);
            let name = Path::new(name);
            let walked = walk(folder.fd.as_fd(), name, flags).map(kind);
            let opened = strict(folder.fd.as_fd(), name, flags).map(kind);
            assert_eq!(walked.ok(), opened.ok(), "{}", name.display());
        }
    }
    for name in ["../outside/secret", "/etc/passwd", "in/../../outside", ""] {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        assert!(
            walk(folder.fd.as_fd(), Path::new(name), flags).is_err(),
            "{name}"
        );
    }
}

#[test]
fn links_resolved_without_openat2_decide_the_same() {
    let (temp, folder) = place();
    let at = |name: &str| temp.path().join("w").join(name);
    symlink("in/file", at("near")).unwrap();
    symlink("../outside/secret", at("far")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("..", at("in/up")).unwrap();
    fifo(&at("fifo"));
    for name in [
        "near",
        "far",
        "loop",
        "loop/x",
        "dangling",
        "in/up",
        "in/up/in/file",
        "in/file",
        "in",
        "fifo",
        "fifo/x",
        "none/x",
    ] {
        let (name, flags) = (Path::new(name), OFlags::PATH | OFlags::CLOEXEC);
        let told = |opened: Result<OwnedFd, FileError>| match opened {
            Ok(fd) => fstat(&fd).unwrap().st_ino.to_string(),
            Err(error) => error.to_string(),
        };
        let wanted = Kind::Regular;
        let resolved = folder.resolve(name, Links::Beneath, flags, wanted);
        assert_eq!(
            told(folder.by_real_path(name, flags, wanted)),
            told(resolved),
            "{}",
            name.display()
        );
    }
}

#[test]
fn folders_are_never_made_through_links() {
    let (temp, folder) = place();
    folder.make(Path::new("a/b")).unwrap();
    folder.make(Path::new("a/b")).unwrap();
    assert!(temp.path().join("w/a/b").is_dir());
    symlink("../outside", temp.path().join("w/link")).unwrap();
    symlink("nowhere", temp.path().join("w/dangling")).unwrap();
    for name in ["link", "link/x", "dangling", "dangling/x"] {
        let error = folder.make(Path::new(name)).unwrap_err();
        assert_eq!(error.code(), "file_is_link", "{name}: {error}");
    }
    assert_eq!(
        fs::read_dir(temp.path().join("outside")).unwrap().count(),
        1
    );
    assert_eq!(
        folder.make(Path::new("in/file")).unwrap_err().code(),
        "file_wrong_kind"
    );
    assert_eq!(
        folder.make(Path::new("../x")).unwrap_err().code(),
        "file_outside"
    );
}

#[test]
fn concurrent_replacements_are_whole() {
    let (temp, folder) = place();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| folder.replace("new", b"content").unwrap());
        }
    });
    assert!(folder.holds("new", b"content").unwrap());
    assert!(!folder.holds("new", b"contents").unwrap());
    assert!(!folder.holds("none", b"").unwrap());
    assert_eq!(
        fs::read_dir(temp.path().join("w")).unwrap().count(),
        2,
        "no draft is left"
    );
}

#[test]
fn only_a_regular_file_is_replaced() {
    let (temp, folder) = place();
    let at = |name: &str| temp.path().join("w").join(name);
    fifo(&at("fifo"));
    symlink("../outside/secret", at("link")).unwrap();
    for (name, code) in [
        ("fifo", "file_wrong_kind"),
        ("link", "file_is_link"),
        ("in", "file_wrong_kind"),
        ("../outside/secret", "file_outside"),
    ] {
        assert_eq!(
            folder.replace(name, b"x").unwrap_err().code(),
            code,
            "{name}"
        );
    }
    let secret = fs::read(temp.path().join("outside/secret")).unwrap();
    assert_eq!(secret, b"secret");
    assert_eq!(fs::read_dir(temp.path().join("w")).unwrap().count(), 3);
}

#[test]
fn an_open_folder_survives_a_move() {
    let (temp, folder) = place();
    let inner = folder.folder(Path::new("in"), Links::Refuse).unwrap();
    fs::rename(temp.path().join("w/in"), temp.path().join("w/moved")).unwrap();
    symlink("../outside", temp.path().join("w/in")).unwrap();
    inner.replace("new", b"x").unwrap();
    assert!(temp.path().join("w/moved/new").is_file());
    let mut names = inner.names(10).unwrap();
    names.sort();
    assert_eq!(names, ["file", "ner", "new"]);
    assert_eq!(inner.names(1).unwrap().len(), 1);
    assert!(inner.metadata(OsStr::new("ner")).unwrap().is_dir());
}
