//! `yuanjiao demo`: a county that is not there, served for real.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::app::serve::Server;
use crate::base::{Clock, Shutdown, SystemClock};
use crate::config::{self, County};
use crate::courseware::Library;

use super::{
    DemoCounty, Params, county_toml, lessons, relay_schedule_toml, schedule_toml, stations, studio, tokens,
};

/// What the command line says.
#[derive(Debug, Clone)]
pub(in crate::app) struct DemoOptions {
    /// Where to listen.
    pub(in crate::app) listen: SocketAddr,
    /// Folder of the demo; none: a new temporary one.
    pub(in crate::app) data: Option<PathBuf>,
    /// A file that is written when every lesson is there and every channel on air.
    pub(in crate::app) ready_file: Option<PathBuf>,
}

/// Runs the demo until it is told to stop.
pub(in crate::app) async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("yuanjiao-demo-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let params = params(&folder, options.listen)?;
    let county = write_county(&folder, &params, &*clock)?;
    let stop = Shutdown::new();
    let mut stage = tokio::task::JoinSet::new();
    let zone = county.tz.iana_name().unwrap_or("UTC").to_owned();
    for (station, port) in stations().into_iter().zip([params.national_port, params.regional_port]) {
        stage.spawn(studio::broadcast(station, port, folder.join("studio"), zone.clone(), stop.clone()));
    }
    let config = folder.join("county.toml");
    let server = Server::start(county.clone(), &config, Arc::clone(&clock)).await?;
    let first = greet(&server, &county, &params)?;
    stage.spawn(film_lessons(folder.clone(), county.media.clone()));
    if let Some(file) = options.ready_file {
        let (ready, media) = (Arc::clone(&server.ready), county.media.clone());
        stage.spawn(async move {
            if let Err(error) = say_ready(&file, &ready, &media, first).await {
                tracing::error!("the ready file could not be written: {error:#}");
            }
        });
    }
    crate::app::signals::until_told_to_stop(|| server.reload()).await?;
    stop.trigger();
    stage.abort_all();
    server.stop().await;
    while stage.join_next().await.is_some() {}
    if options.data.is_none() {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn params(folder: &Path, listen: SocketAddr) -> anyhow::Result<Params> {
    let seed_file = folder.join("seed");
    if !seed_file.exists() {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
        std::fs::write(&seed_file, hex::encode(seed))?;
    }
    // Held together, so that the two ports differ.
    let (a, b) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    Ok(Params {
        listen,
        data: folder.join("store"),
        media: folder.join("media"),
        schedules: folder.join("schedules"),
        national_port: a.local_addr()?.port(),
        regional_port: b.local_addr()?.port(),
        ladder: [("v720", 720, 1500), ("v480", 480, 800), ("v240", 240, 300)]
            .map(|(name, height, kbps)| config::Rung { name: name.into(), height, kbps })
            .to_vec(),
        jobs: 1,
        seed: std::fs::read_to_string(&seed_file)?,
    })
}

/// Writes the county's file anew, and schedules that are not there yet: an
/// edited one is kept.
fn write_county(folder: &Path, params: &Params, clock: &dyn Clock) -> anyhow::Result<County> {
    let config = folder.join("county.toml");
    std::fs::write(&config, county_toml(params))?;
    let county = config::load(&config)?;
    std::fs::create_dir_all(&params.schedules)?;
    let now = clock.now().to_zoned_datetime(county.tz.clone());
    let minute = jiff::civil::time(now.hour(), now.minute(), 0, 0);
    let demo = DemoCounty::new();
    for channel in &demo.channels {
        let path = params.schedules.join(format!("{}.toml", channel.id));
        let station = stations().into_iter().find(|s| Some(&s.id) == channel.relay.as_ref());
        let text = match station {
            Some(station) => relay_schedule_toml(channel, &station),
            None => schedule_toml(channel, minute),
        };
        if !path.exists() {
            std::fs::write(&path, text)?;
        }
    }
    Ok(county)
}

/// What the ready file says.
#[derive(Debug, Clone, serde::Serialize)]
struct Ready {
    url: String,
    site: String,
    terminal: String,
    terminal_token: String,
    channel: String,
    /// While nobody has an account.
    setup_code: Option<String>,
}

/// Prints where to look, and returns the first terminal's facts.
fn greet(server: &Server, county: &County, params: &Params) -> anyhow::Result<Ready> {
    let shown = match server.address {
        a if a.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], a.port())),
        a => a,
    };
    let url = format!("http://{shown}");
    let (terminal, token) = tokens(params).into_iter().next().context("the demo county has a terminal")?;
    let site = county.registry.terminals.get(&terminal).map(|t| t.site.to_string()).unwrap_or_default();
    let channel = county.channels.first().map(|c| c.id.to_string()).unwrap_or_default();
    let office = server.setup_code.as_ref().map_or_else(String::new, |code| {
        format!("\n  make the county administrator's account with the code {code}\n    {url}/setup")
    });
    let text = format!(
        "\n  Yuanjiao: the demo county is served at\n\n    {url}/\n\n  \
         watch the county's channel as a village terminal\n    {url}/channels/{channel}?terminal={token}\n  \
         and see its evidence\n    {url}/sites/{site}\n  \
         for VLC, mpv or a set-top box\n    {url}/channels.m3u{office}\n{}\n",
        match lessons().len() - packaged(&params.media) {
            0 => String::new(),
            missing => format!(
                "\n  {missing} lessons are being filmed and packaged; until they are there, their slots show the preview.\n"
            ),
        }
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(Ready {
        url,
        site,
        terminal: terminal.to_string(),
        terminal_token: token,
        channel,
        setup_code: server.setup_code.clone(),
    })
}

/// Films the lessons that neither the library nor the inbox has.
async fn film_lessons(folder: PathBuf, media: PathBuf) {
    let inbox = media.join("inbox");
    for lesson in lessons() {
        let there = media.join("library").join(lesson.id.as_str()).exists()
            || inbox.join(format!("{}.mkv", lesson.id)).exists();
        if there {
            continue;
        }
        if let Err(error) = studio::film(&lesson, &folder.join("studio"), &inbox).await {
            tracing::error!(lesson = %lesson.id, "a demo lesson could not be filmed: {error:#}");
        }
    }
}

/// How many of the demo's lessons the library has.
fn packaged(media: &Path) -> usize {
    let library = Library::read(&media.join("library"));
    lessons()
        .iter()
        .filter(|lesson| library.catalogue().lesson(&lesson.id).is_some_and(|p| !p.manifest.preliminary))
        .count()
}

/// Writes `file` once every lesson is packaged and every channel on air.
async fn say_ready(
    file: &Path,
    ready: &std::sync::atomic::AtomicBool,
    media: &Path,
    facts: Ready,
) -> anyhow::Result<()> {
    let wanted = lessons().len();
    while !ready.load(std::sync::atomic::Ordering::Relaxed) || packaged(media) < wanted {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let part = file.with_extension("part");
    std::fs::write(&part, serde_json::to_vec_pretty(&facts)?)?;
    Ok(std::fs::rename(&part, file)?)
}
