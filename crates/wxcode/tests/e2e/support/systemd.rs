//! A real systemd with a real bus, as the first process in new namespaces.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use wxcode_testbed::skip;

/// How long systemd may take to come up.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(20);

/// The path of systemd in common distributions.
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// The path inside for the programs under test. Their build folder may be closed to other users.
const PROGRAMS: &str = "/run/programs";

/// Mounts the namespaces' own `/proc`, `/run` and cgroups, and becomes systemd. `$0`: the folder of
/// the units; `$1`: systemd; `$2`: the folder of the programs; `$3`: [`PROGRAMS`].
const BOOT: &str = r#"
    mount --make-rprivate / && mount -t proc proc /proc || exit 3
    umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 3
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/dbus && cp -r "$0"/. /run/systemd/system || exit 3
    cp -r "$0"/user /run/systemd/user
    mkdir "$3" && mount --bind "$2" "$3" || exit 3
    container=wxcode-test exec "$1" --system --unit=test.target --log-target=console --log-level=warning --show-status=false
"#;

/// The user with a private systemd; the user's units carry the name.
pub(crate) const USER: u32 = 65534;

const UNITS: [(&str, &str); 6] = [
    (
        "test.target",
        "[Unit]\nDefaultDependencies=no\nWants=dbus.socket dbus.service\n",
    ),
    (
        "dbus.socket",
        "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    ),
    (
        "dbus.service",
        "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nStandardError=null\n\
         ExecStart=/usr/bin/dbus-daemon --config-file=/run/systemd/system/bus.conf --address=systemd: --nofork --nopidfile\n",
    ),
    (
        "user@65534.service",
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\nUser=65534\nDelegate=yes\nKillMode=mixed\n\
         Environment=XDG_RUNTIME_DIR=/run/user/65534\nStandardError=null\n\
         ExecStartPre=+sh -c 'mkdir -p /run/user/65534 && chown 65534 /run/user/65534'\n\
         ExecStart=/usr/lib/systemd/systemd --user --unit=test.target\n",
    ),
    (
        "user/test.target",
        "[Unit]\nDefaultDependencies=no\nWants=dbus.socket\n",
    ),
    (
        "bus.conf",
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>system</type><listen>unix:path=/run/dbus/not-used</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
         <allow own=\"*\"/><allow user=\"*\"/></policy></busconfig>\n",
    ),
];

/// A running systemd. Everything started by this systemd ends together with it.
pub(crate) struct Systemd {
    child: Child,
    /// The pid outside.
    pid: i32,
    cgroup: PathBuf,
    _units: TempDir,
}

impl Systemd {
    /// Starts a systemd with these additional units; `None`, with the reason printed, where systemd
    /// cannot start.
    pub(crate) fn start(units: &[(&str, &str)]) -> Option<Self> {
        match Self::try_start(units) {
            Ok(systemd) => Some(systemd),
            Err(reason) => {
                skip(&format!("no systemd can be started here: {reason}"));
                None
            }
        }
    }

    fn try_start(units: &[(&str, &str)]) -> Result<Self, String> {
        let program = SYSTEMD.iter().find(|path| Path::new(path).exists());
        let program = program.ok_or("it is not installed")?;
        if !Path::new("/usr/bin/dbus-daemon").exists() {
            return Err("dbus-daemon is not installed".to_owned());
        }
        if !rustix::process::geteuid().is_root() {
            return Err("that takes root".to_owned());
        }
        let folder = TempDir::new().unwrap();
        for (name, text) in UNITS.iter().chain(units) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let cgroup = own_cgroup().ok_or("there is no cgroup of version 2")?;
        let cgroup = cgroup.join(format!("wxcode-test-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&cgroup).map_err(|error| format!("{}: {error}", cgroup.display()))?;
        let enter = r#"echo $$ > "$0"/cgroup.procs && exec unshare --pid --fork --mount --uts --ipc --cgroup --kill-child sh -c "$@""#;
        let child = Command::new("sh")
            .args(["-c", enter])
            .arg(&cgroup)
            .arg(BOOT)
            .arg(folder.path())
            .arg(program)
            .args([built().parent().unwrap(), Path::new(PROGRAMS)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut systemd = Self {
            child,
            pid: 0,
            cgroup,
            _units: folder,
        };
        systemd.wait_until_up()?;
        Ok(systemd)
    }

    fn wait_until_up(&mut self) -> Result<(), String> {
        let own = self.child.id();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.child.try_wait().unwrap().is_some() {
                let mut text = String::new();
                let stderr = self.child.stderr.take();
                stderr.map(|mut stderr| std::io::Read::read_to_string(&mut stderr, &mut text));
                return Err(text);
            }
            let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
            self.pid = children.unwrap_or_default().trim().parse().unwrap_or(0);
            let is_up = self.pid > 0
                && self
                    .run(
                        "busctl",
                        &["--system", "status", "org.freedesktop.systemd1"],
                    )
                    .status
                    .success();
            if is_up {
                return Ok(());
            }
            assert!(Instant::now() < deadline, "systemd is not up in time");
            std::thread::sleep(LOOK);
        }
    }

    /// The path inside of a program next to wxcode.
    pub(crate) fn program(path: &Path) -> String {
        assert_eq!(path.parent(), built().parent());
        let name = path.file_name().unwrap().to_str().unwrap();
        format!("{PROGRAMS}/{name}")
    }

    /// Runs a program inside.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new("nsenter")
            .args(["-t", &self.pid.to_string(), "-m", "-p", "-C", "--"])
            .arg(program)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs a program inside, as the user with a private systemd.
    pub(crate) fn run_as_user(&self, program: &str, arguments: &[&str]) -> Output {
        let user = USER.to_string();
        let runtime = format!("XDG_RUNTIME_DIR=/run/user/{user}");
        let mut all = vec![
            "--reuid",
            &user,
            "--regid",
            &user,
            "--clear-groups",
            "env",
            "USER=nobody",
            &runtime,
        ];
        all.push(program);
        all.extend(arguments);
        self.run("setpriv", &all)
    }

    /// `systemctl`; the call must succeed. Returns the output.
    #[track_caller]
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let output = self.run("systemctl", arguments);
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(
            output.status.success(),
            "systemctl {arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Shuts down in order, as `poweroff` does: SIGTERM to all, then SIGKILL.
    pub(crate) fn power_off(mut self) {
        // SIGRTMIN+4: see systemd(1), "Signals".
        let signal = (34 + 4).to_string();
        let sent = Command::new("kill")
            .args(["-s", &signal, &self.pid.to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not shut down");
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // All processes of the namespaces end with the first process.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let deadline = Instant::now() + PATIENCE;
        while remove(&self.cgroup).is_err() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
    }
}

fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wxcode"))
}

/// Removes a cgroup with its children; fails while a process is inside.
fn remove(cgroup: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}

/// The folder of this process's cgroup of version 2.
fn own_cgroup() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind) = (fields.next()?, fields.next()?);
        (kind == "cgroup2").then_some(place)
    })?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(path))
}
