//! A worker process of ours and the pipe to it.

use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

/// A running `yuanjiao worker <kind>`; it ends when this is dropped, or when
/// the server dies, for then its standard input closes.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl WorkerProcess {
    /// Starts a worker and tells it its job, one JSON document.
    pub async fn spawn(kind: &str, job: &impl serde::Serialize) -> std::io::Result<Self> {
        Self::spawn_with(kind, job, &[]).await
    }

    /// The same with environment variables of its own.
    pub async fn spawn_with(
        kind: &str,
        job: &impl serde::Serialize,
        environment: &[(&str, &str)],
    ) -> std::io::Result<Self> {
        // Work that can wait yields to what is on air.
        let mut command = match kind {
            "package" | "film" => {
                let mut nice = tokio::process::Command::new("nice");
                nice.args(["-n", "10"]).arg(std::env::current_exe()?);
                nice
            }
            _ => tokio::process::Command::new(std::env::current_exe()?),
        };
        let mut child = command
            .args(["worker", kind])
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let gone = || std::io::Error::other("the worker has no standard input or output");
        let mut stdin = child.stdin.take().ok_or_else(gone)?;
        let stdout = child.stdout.take().ok_or_else(gone)?;
        write(&mut stdin, job).await?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// Tells it another job; for workers that take several.
    pub async fn tell(&mut self, job: &impl serde::Serialize) -> std::io::Result<()> {
        write(&mut self.stdin, job).await
    }

    /// Tells `worker` a job and waits for its answer, one line. Where there is none, or it
    /// has ended meanwhile, another is started; `kind` is one that takes several jobs.
    pub async fn ask(
        worker: &mut Option<Self>,
        kind: &str,
        job: &impl serde::Serialize,
    ) -> std::io::Result<String> {
        if let Some(running) = worker.as_mut()
            && running.tell(job).await.is_ok()
            && let Some(line) = running.next_line().await
        {
            return Ok(line);
        }
        let line = worker.insert(Self::spawn(kind, job).await?).next_line().await;
        line.ok_or_else(|| std::io::Error::other("the worker ended without an answer"))
    }

    /// The worker's next line; none when it closed its output, as it does when it ends.
    pub async fn next_line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }

    /// Its process number while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks the system to end it at once.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.child.start_kill()
    }

    /// Waits for its end.
    pub async fn wait(mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }
}

async fn write(stdin: &mut ChildStdin, job: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(job)?;
    line.push(b'\n');
    stdin.write_all(&line).await
}
