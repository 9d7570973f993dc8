//! Puts this holder into a transient scope of systemd. In its own scope the holder outlives the
//! server's service.

use std::{fs, io, time::Duration};

use super::bus::{Bus, BusError, Call, Writer, of_the_bus};
use crate::folder::{Scope, Scoped};

/// Time for requesting a scope; afterwards the session starts without a scope.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Moves this process and its guardian into a new scope, before the agent starts.
pub(crate) fn enter(scope: &Scope, guardian: Option<i32>) -> Scoped {
    match ask(scope, guardian).and_then(|()| verify(scope)) {
        Ok(cgroup) => Scoped::Entered {
            unit: scope.unit.clone(),
            cgroup,
        },
        Err(error) => Scoped::Refused {
            reason: error.to_string(),
        },
    }
}

fn ask(scope: &Scope, guardian: Option<i32>) -> Result<(), BusError> {
    let mut bus = Bus::connect(&scope.bus, TIMEOUT)?;
    let manager = |member, signature| Call {
        destination: "org.freedesktop.systemd1",
        path: "/org/freedesktop/systemd1",
        interface: "org.freedesktop.systemd1.Manager",
        member,
        signature,
    };
    let mut rule = Writer::default();
    rule.text("type='signal',sender='org.freedesktop.systemd1',member='JobRemoved'");
    bus.call(&of_the_bus("AddMatch", "s"), rule)?;
    // Without a subscription systemd sends no signals about jobs.
    bus.call(&manager("Subscribe", ""), Writer::default())?;
    let start = manager("StartTransientUnit", "ssa(sv)a(sa(sv))");
    let job = bus.call(&start, unit(scope, guardian))?.reader().text()?;
    loop {
        let signal = bus.signal()?;
        if signal.member != "JobRemoved" {
            continue;
        }
        let mut fields = signal.reader();
        fields.number()?;
        if fields.text()? != job {
            continue;
        }
        fields.text()?;
        return match fields.text()?.as_str() {
            "done" => Ok(()),
            other => Err(BusError::Refused {
                name: "the job".to_owned(),
                message: other.to_owned(),
            }),
        };
    }
}

/// The arguments of `StartTransientUnit`, see systemd's org.freedesktop.systemd1(5).
fn unit(scope: &Scope, guardian: Option<i32>) -> Writer {
    let mut body = Writer::default();
    body.text(&scope.unit).text("fail");
    body.array(8, |properties| {
        let mut text = |name, value: &str| {
            properties.align(8).text(name).signature("s").text(value);
        };
        text("Description", &scope.description);
        // A failed scope would otherwise stay listed forever.
        text("CollectMode", "inactive-or-failed");
        properties
            .align(8)
            .text("Delegate")
            .signature("b")
            .number(1);
        properties
            .align(8)
            .text("PIDs")
            .signature("au")
            .array(4, |pids| {
                for pid in guardian.into_iter().map(i32::cast_unsigned) {
                    pids.number(pid);
                }
                pids.number(std::process::id());
            });
        let limits = [
            ("MemoryMax", scope.limits.memory_bytes),
            // Microseconds of processor time in a second.
            (
                "CPUQuotaPerSecUSec",
                scope.limits.cpu_percent.map(|percent| percent * 10_000),
            ),
            ("TasksMax", scope.limits.tasks),
        ];
        for (name, value) in limits {
            if let Some(value) = value {
                properties.align(8).text(name).signature("t").long(value);
            }
        }
    });
    body.array(8, |_auxiliary| {});
    body
}

/// The cgroup of this process according to the kernel, below the version 2 hierarchy or systemd's.
fn verify(scope: &Scope) -> Result<String, BusError> {
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let cgroup = text
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find(|path| path.ends_with(&scope.unit));
    match cgroup {
        Some(path) => Ok(path.to_owned()),
        None => Err(io::Error::other("this process was not moved").into()),
    }
}
