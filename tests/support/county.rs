//! A small county in a folder of its own.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::time::now;

/// Terminal and site: `hall` is at `dongmen`, and so on. Its token is `<terminal>-token`.
const TERMINALS: [(&str, &str); 3] = [("hall", "dongmen"), ("office", "dongmen"), ("phone", "baghcha")];

/// The configuration, and the folder it lies in.
#[derive(Debug)]
pub(crate) struct County {
    folder: TempDir,
    zone: String,
    /// Keys of the county itself.
    own: String,
    http: String,
    packaging: String,
    relays: Vec<(String, u16)>,
    more: String,
    env: Vec<(String, String)>,
}

/// What a programme plays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plays<'a> {
    Lesson(&'a str),
    Relay(&'a str),
}

/// A programme of one date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) plays: Plays<'a>,
    pub(crate) title: &'a str,
}

/// One channel, `xiangtu`, three rungs, two languages, a township with two sites.
pub(crate) fn a_county() -> County {
    County {
        folder: tempfile::Builder::new().prefix("county-").tempdir().expect("a folder for the county"),
        zone: noon(),
        own: String::new(),
        http: "drain_timeout = \"10s\"\n".into(),
        packaging: String::new(),
        relays: Vec::new(),
        more: String::new(),
        env: Vec::new(),
    }
    .written()
}

impl County {
    /// A key of the county itself.
    pub(crate) fn with_own(mut self, key: &str) -> Self {
        self.own = format!("{key}\n");
        self.written()
    }

    /// Keys of `[http]`, one a line.
    pub(crate) fn with_http(mut self, keys: &str) -> Self {
        self.http = keys.to_owned();
        self.written()
    }

    /// Keys of `[packaging]`, one a line.
    pub(crate) fn with_packaging(mut self, keys: &str) -> Self {
        self.packaging = keys.to_owned();
        self.written()
    }

    /// A relay that listens on this UDP port.
    pub(crate) fn with_relay(mut self, id: &str, port: u16) -> Self {
        self.relays.push((id.to_owned(), port));
        self.written()
    }

    /// Anything else, as TOML tables.
    pub(crate) fn with(mut self, tables: &str) -> Self {
        self.more.push_str(tables);
        self.written()
    }

    /// A variable of its server's environment.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its time zone, in which it is about noon.
    pub(crate) fn zone(&self) -> String {
        self.zone.clone()
    }

    pub(crate) fn env(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same, while a server may be running.
    pub(crate) fn add(&mut self, tables: &str) {
        self.more.push_str(tables);
        self.write();
    }

    fn written(self) -> Self {
        self.write();
        self
    }

    fn write(&self) {
        fs::create_dir_all(self.path("schedules")).expect("a folder for schedules");
        fs::write(self.config(), self.toml()).expect("the configuration can be written");
        if !self.schedule_file().exists() {
            self.schedule(&[]);
        }
    }

    fn toml(&self) -> String {
        let mut out = format!(
            "name = {{ zh-Hans = \"试验县\", en = \"Test County\" }}
timezone = \"{}\"
languages = [\"zh-Hans\", \"ug-Arab\", \"en\"]
listen = \"127.0.0.1:0\"
data = \"data\"
media = \"media\"
schedules = \"schedules\"
{}
[http]
{}
[packaging]
{}
audio_kbps = 48
ladder = [
  {{ name = \"v360\", height = 360, kbps = 600 }},
  {{ name = \"v240\", height = 240, kbps = 300 }},
  {{ name = \"v144\", height = 144, kbps = 100 }},
]

[[channel]]
id = \"xiangtu\"
number = 1
name = {{ zh-Hans = \"乡土课堂\", ug-Arab = \"يۇرت دەرسخانىسى\", en = \"Homeland Classroom\" }}
lang = \"zh-Hans\"
audio = [\"zh-Hans\", \"ug-Arab\"]
subtitles = [\"zh-Hans\"]
window = \"60s\"

[[township]]
id = \"chengguan\"
name = {{ zh-Hans = \"城关镇\", en = \"Chengguan Town\" }}
",
            self.zone, self.own, self.http, self.packaging
        );
        for site in ["dongmen", "baghcha"] {
            let _ = writeln!(out, "\n[[site]]\nid = \"{site}\"\ntownship = \"chengguan\"");
            let _ = writeln!(out, "name = {{ zh-Hans = \"村\", en = \"{site}\" }}");
        }
        for (terminal, site) in TERMINALS {
            out += &terminal_table(terminal, site);
        }
        for (relay, port) in &self.relays {
            let _ = writeln!(out, "\n[[relay]]\nid = \"{relay}\"\nname = {{ zh-Hans = \"中央台\" }}");
            let _ = writeln!(out, "sources = [\"udp://127.0.0.1:{port}\"]\nmax_segment = \"5s\"");
            let _ = writeln!(out, "audio = [\"zh-Hans\", \"ug-Arab\"]");
        }
        out + &self.more
    }

    /// Writes the channel's schedule; from now on this is what is planned.
    pub(crate) fn schedule(&self, entries: &[Entry<'_>]) {
        let zone = TimeZone::get(&self.zone).expect("a zone of the database");
        let mut out = String::from("channel = \"xiangtu\"\n");
        for entry in entries {
            let civil = |at: Timestamp| at.to_zoned_datetime(zone.clone());
            let (start, end) = (civil(entry.start), civil(entry.end));
            let (key, value) = match entry.plays {
                Plays::Lesson(id) => ("play", format!("[\"{id}\"]")),
                Plays::Relay(id) => ("relay", format!("\"{id}\"")),
            };
            let _ = write!(
                out,
                "\n[[once]]\ndate = {}\nstart = \"{}\"\nend = \"{}\"\ntitle = {{ zh-Hans = \"{}\" }}\n{key} = {value}\n",
                start.date(),
                start.strftime("%H:%M:%S"),
                end.strftime("%H:%M:%S"),
                entry.title.replace('"', "\\\""),
            );
        }
        self.schedule_text(&out);
    }

    /// The same, word for word.
    pub(crate) fn schedule_text(&self, text: &str) {
        // As a good editor does: whole, or not at all.
        let part = self.path("schedules/.xiangtu.part");
        fs::write(&part, text).expect("a schedule can be written");
        fs::rename(part, self.schedule_file()).expect("a schedule can be put in place");
    }

    pub(crate) fn schedule_file(&self) -> PathBuf {
        self.path("schedules/xiangtu.toml")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("county.toml")
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn inbox(&self) -> PathBuf {
        self.made("media/inbox")
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.made("media/library")
    }

    fn made(&self, below: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(&path).expect("a folder of the county");
        path
    }
}

/// Configuration of a terminal of that name.
pub(crate) fn terminal_table(id: &str, site: &str) -> String {
    let sum = hex::encode(Sha256::digest(token(id)));
    format!(
        "\n[[terminal]]\nid = \"{id}\"\nsite = \"{site}\"\nname = {{ zh-Hans = \"电视\", en = \"{id}\" }}\n\
         device = \"tv\"\ntoken_sha256 = \"{sum}\"\n"
    )
}

/// The token of a terminal.
pub(crate) fn token(terminal: &str) -> String {
    format!("{terminal}-token")
}

/// A zone in which it is about noon, so that no story runs into another day.
fn noon() -> String {
    let hour = i64::from(now().to_zoned_datetime(TimeZone::UTC).hour());
    // Signs of these zones are those of POSIX: `Etc/GMT-8` is east of Greenwich.
    match 12 - hour {
        0 => "Etc/GMT".to_owned(),
        east @ 1.. => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    }
}

/// Names of what lies in `folder`.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    names
}
