//! What is left to a process that reads files anybody may have made: to read its input
//! and the system's libraries, to write its output, and nothing else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, path_beneath_rules,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};

/// The newest rules that are asked for; of older kernels, what they know.
const RULES: ABI = ABI::V5;
/// Where libraries, plugins and fonts are, and what they read of the machine.
const SYSTEM: [&str; 18] = [
    "/usr",
    "/lib",
    "/lib64",
    "/opt",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/var/cache/fontconfig",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/driver/nvidia",
    "/sys/devices",
    "/sys/class/drm",
    "/sys/dev/char",
    "/dev/urandom",
];
/// Where GStreamer is told of more plugins.
const PLUGINS: [&str; 2] = ["GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0"];
/// Devices that encode.
const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/dri", "/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/nvidia-modeset"];
/// Memory of its own: decoders believe what a file says of its size.
const MEMORY: u64 = 4 << 30;
/// Processor time: more than the longest lesson takes, less than for ever.
const SECONDS: u64 = 48 * 3600;

/// What this machine's kernel did not take away, in words; empty: nothing is missing.
pub(super) type Lacks = Vec<String>;

/// Leaves the network. While there is one thread only.
pub(super) fn without_network() -> Lacks {
    let alone = CloneFlags::CLONE_NEWNET;
    // Who is not root needs a user namespace for it.
    match unshare(alone).or_else(|_| unshare(alone | CloneFlags::CLONE_NEWUSER)) {
        Ok(()) => Lacks::new(),
        Err(error) => vec![format!("the network is not out of reach: {error}")],
    }
}

/// Gives up everything but to read `input` and to write below `output`. Threads that run
/// already keep what they had.
pub(super) fn confine(input: &[PathBuf], output: &[&Path]) -> Lacks {
    let mut lacks = Lacks::new();
    for (what, most) in
        [(Resource::RLIMIT_DATA, MEMORY), (Resource::RLIMIT_CPU, SECONDS), (Resource::RLIMIT_CORE, 0)]
    {
        if let Err(error) = setrlimit(what, most, most) {
            lacks.push(format!("there is no limit ({what:?}): {error}"));
        }
    }
    match files(input, output) {
        Ok(RulesetStatus::FullyEnforced) => {}
        Ok(RulesetStatus::PartiallyEnforced) => {
            lacks.push("the kernel knows a part of Landlock's rules".into())
        }
        Ok(RulesetStatus::NotEnforced) => {
            lacks.push("other files are not out of reach: the kernel has no Landlock".into());
        }
        Err(error) => lacks.push(format!("other files are not out of reach: {error}")),
    }
    lacks
}

fn files(input: &[PathBuf], output: &[&Path]) -> Result<RulesetStatus, RulesetError> {
    let plugins: Vec<PathBuf> = PLUGINS
        .iter()
        .filter_map(std::env::var_os)
        .flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>())
        .collect();
    let read = AccessFs::from_read(RULES);
    let all = AccessFs::from_all(RULES);
    let made = Ruleset::default()
        .handle_access(all)?
        .handle_access(AccessNet::from_all(RULES))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(plugins.iter().chain(input), read))?
        .add_rules(path_beneath_rules(DEVICES, all))?
        .add_rules(path_beneath_rules(output, all))?
        .restrict_self()?;
    Ok(made.ruleset)
}

/// Asks a confined process what it can do.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ReachJob {
    input: Vec<PathBuf>,
    output: PathBuf,
    /// Files to be read.
    read: Vec<PathBuf>,
    /// Files to be written.
    write: Vec<PathBuf>,
    /// Somebody who listens.
    connect: SocketAddr,
}

/// What it could do.
#[derive(Debug, serde::Serialize)]
pub(super) struct Reach {
    lacks: Lacks,
    read: Vec<bool>,
    write: Vec<bool>,
    connect: bool,
}

/// Confines this process as one that packages, and tries what it is asked to.
pub(super) fn reach(job: &ReachJob, mut lacks: Lacks) -> Reach {
    lacks.extend(confine(&job.input, &[&job.output]));
    Reach {
        lacks,
        read: job.read.iter().map(|path| std::fs::read(path).is_ok()).collect(),
        write: job.write.iter().map(|path| std::fs::write(path, "x").is_ok()).collect(),
        connect: std::net::TcpStream::connect(job.connect).is_ok(),
    }
}
