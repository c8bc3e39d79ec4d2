//! `yuanjiao evidence …`: exports of the log, and checking them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::base::{Clock as _, SystemClock, day_span, replace_file, workbook};
use crate::config::County;
use crate::evidence::SessionRecord;
use crate::store::{Store, Stretch};
use crate::tlog::{
    Checkpoint, Earlier, Entry, Facts, Header, Kind, Line, Note, Played, Trust, Verdict, Verifier, statement,
    table, verify,
};

use super::keys;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ExportFormat {
    /// JSON Lines: the entries and their proof.
    Jsonl,
    /// Playbacks as a table of text; the proof in a file beside it.
    Csv,
    /// Playbacks as a workbook; the proof in a file beside it.
    Xlsx,
    /// Playbacks as xAPI statements, a line each; the proof in a file beside them.
    Xapi,
}

/// How the proof beside a table is called.
const PROOF: &str = ".proof.jsonl";

/// Exports what was logged on the days from `from` to `to`, both included.
pub(super) fn export(
    config: &Path,
    data: Option<PathBuf>,
    (from, to): (Date, Date),
    (format, out): (ExportFormat, &Path),
    since: Option<&Path>,
) -> anyhow::Result<()> {
    let mut county = crate::config::load(config)?;
    county.data = data.unwrap_or(county.data);
    anyhow::ensure!(from <= to, "expected days in their order: --from {from} lies after --to {to}");
    let (start, end) = (day_span(from, &county.tz)?.0, day_span(to, &county.tz)?.1);
    let since = since.map(read_text).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (header, lines) = runtime.block_on(proved(&county, (start, end), since))?;
    let proof = if format == ExportFormat::Jsonl { out.to_owned() } else { proof_of(out) };
    let write = || -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(&proof)?);
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        for line in &lines {
            serde_json::to_writer(&mut file, line)?;
            file.write_all(b"\n")?;
        }
        Ok(file.into_inner()?.sync_all()?)
    };
    write().with_context(|| format!("writing {}", proof.display()))?;
    let mut played = Vec::new();
    for line in &lines {
        played.extend(playback(line)?);
    }
    if format != ExportFormat::Jsonl {
        let bytes = derived(format, &played, &header.origin)?;
        replace_file(out, &bytes).with_context(|| format!("writing {}", out.display()))?;
    }
    let mut said = std::io::stdout().lock();
    writeln!(said, "{}: {} playbacks logged from {from} to {to}", out.display(), played.len())?;
    if proof != out {
        writeln!(said, "{}: their proof; keep the two together", proof.display())?;
    }
    Ok(())
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn proof_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(PROOF);
    PathBuf::from(name)
}

/// The stretch of the log with its proof. Also what closed a moment ago is in it: it is logged
/// and signed first.
async fn proved(
    county: &County,
    span: (Timestamp, Timestamp),
    since: Option<String>,
) -> anyhow::Result<(Header, Vec<Line>)> {
    let path = county.data.join("yuanjiao.db");
    anyhow::ensure!(
        path.exists(),
        "{}: there is no store here: name the county with --config or its data with --data",
        path.display()
    );
    let logbook = keys::logbook(&county.data, county.public_url.as_deref())?;
    let key = logbook.log.verifier(Kind::Own);
    let store = Store::open(&path)?;
    let now = SystemClock::new().now();
    while store.log_sessions(now, county.tz.clone()).await? > 0 {}
    store.log_studies(now).await?;
    super::logbook::sign(&store, &logbook, now).await?;
    let (size, checkpoint) = store
        .checkpoint()
        .await?
        .context("nothing is logged yet: the log begins when a playback has ended")?;
    let since = match since {
        Some(note) => {
            let earlier = Checkpoint::verified(&note, &key).context("the checkpoint named with --since")?;
            anyhow::ensure!(
                earlier.size <= size,
                "the checkpoint named with --since is of {} entries, and this log has {size}: entries are missing",
                earlier.size
            );
            Some((earlier.size, note)).filter(|(size, _)| *size > 0)
        }
        None => None,
    };
    let (first, Stretch { entries, around, blocks, history }) = store.log_stretch(span, size, since).await?;
    let hashes = |hashes: Vec<[u8; 32]>| hashes.iter().map(hex::encode).collect();
    let header = Header {
        evidence: 1,
        origin: Checkpoint::parse(&Note::parse(&checkpoint)?.text)?.origin,
        key: key.to_string(),
        checkpoint,
        from: span.0,
        to: span.1,
        first,
        entries: entries.len() as u64,
        around: hashes(around),
        blocks: hashes(blocks),
        history: history
            .into_iter()
            .map(|(checkpoint, proof)| Earlier { checkpoint, proof: hashes(proof) })
            .collect(),
    };
    Ok((header, entries.into_iter().map(Line::from).collect()))
}

/// The playback that a line is, if it is one whose record is there.
fn playback(line: &Line) -> anyhow::Result<Option<Played>> {
    let entry: Entry = serde_json::from_str(&line.leaf)?;
    match (&entry.facts, &line.body) {
        (Facts::Session(_), Some(body)) => {
            let record: SessionRecord = serde_json::from_str(body)?;
            Ok(Some((line.no, record)))
        }
        _ => Ok(None),
    }
}

/// The playbacks in another form.
fn derived(format: ExportFormat, played: &[Played], origin: &str) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        ExportFormat::Jsonl => Vec::new(),
        ExportFormat::Csv => workbook::csv(&table(played).rows),
        ExportFormat::Xlsx => workbook::write(&[table(played)], false)?,
        ExportFormat::Xapi => {
            let mut text = String::new();
            for one in played {
                text += &format!("{}\n", statement(one, origin));
            }
            text.into_bytes()
        }
    })
}

/// Checks an export with nothing but it and the county's key; returns whether it holds. Where
/// no key is given, the one in the export is used and that is said.
pub(super) fn check(
    file: &Path,
    key: Option<&Path>,
    since: Option<&Path>,
    witnesses: &[PathBuf],
) -> anyhow::Result<bool> {
    let beside = proof_of(file);
    let proof = if beside.exists() { beside.as_path() } else { file };
    let reader = BufReader::new(File::open(proof).with_context(|| proof.display().to_string())?);
    let mut lines = reader.lines();
    let first = lines.next().transpose().ok().flatten().unwrap_or_default();
    let header: Header = serde_json::from_str(&first).with_context(|| {
        format!(
            "{}: line 1: expected the header of an export (JSON Lines, or FILE with FILE{PROOF} beside it)",
            proof.display()
        )
    })?;
    let read_key = |path: &PathBuf| -> anyhow::Result<Verifier> {
        Verifier::parse(&read_text(path)?).with_context(|| path.display().to_string())
    };
    let own = match key {
        Some(path) => read_key(&path.to_owned())?,
        None => Verifier::parse(&header.key).context("the key in the export")?,
    };
    let witnesses = witnesses.iter().map(read_key).collect::<anyhow::Result<Vec<_>>>()?;
    let since = since.map(read_text).transpose()?;
    let trust = Trust { key: &own, witnesses: &witnesses, since: since.as_deref() };
    let mut played: Vec<Played> = Vec::new();
    let read = lines.map(|line| {
        let line = line.map_err(|e| e.to_string())?;
        serde_json::from_str(&line).map_err(|e| format!("expected an entry of the log: {e}"))
    });
    // A table is made again from its proof; the proof itself is read line by line.
    let is_table = proof != file;
    let mut each = |line: &Line, _: &Entry| {
        if is_table {
            played.extend(playback(line).ok().flatten());
        }
    };
    let verdict = verify(&header, read, trust, &mut each);
    let mut out = std::io::stdout().lock();
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(fault) => {
            writeln!(out, "{}: NOT GENUINE: {fault}", proof.display())?;
            return Ok(false);
        }
    };
    if is_table && let Some(fault) = differs(file, &played, &header.origin)? {
        writeln!(out, "{}: NOT GENUINE: {fault}; the proof beside it is", file.display())?;
        return Ok(false);
    }
    say(&mut out, file, &header, (&verdict, key.is_some()))?;
    Ok(true)
}

fn say(
    out: &mut impl Write,
    file: &Path,
    header: &Header,
    (verdict, is_trusted): (&Verdict, bool),
) -> std::io::Result<()> {
    let Verdict { size, origin, entries, sessions, studies, erased, earlier, witnessed } = verdict;
    writeln!(out, "{}: genuine", file.display())?;
    writeln!(
        out,
        "  {entries} records logged from {} to {}, of them {sessions} playbacks and {studies} group studies",
        header.from, header.to
    )?;
    writeln!(out, "  complete and unaltered, by the checkpoint of {origin} over {size} records")?;
    if *erased > 0 {
        writeln!(out, "  of {erased} the private part was erased; that they are there and when is proved")?;
    }
    writeln!(out, "  a continuation of {earlier} earlier checkpoints")?;
    for (name, time) in witnessed {
        let at = Timestamp::from_second(*time as i64).map(|at| at.to_string()).unwrap_or_default();
        writeln!(out, "  witnessed by {name} at {at}")?;
    }
    if !is_trusted {
        writeln!(
            out,
            "  checked with the key in the file itself: who made the file could have made the key.\n  \
             Compare it with the county's, or give that with --key: {}",
            header.key
        )?;
    }
    Ok(())
}

/// How a table differs from what its proof says; none: it does not.
fn differs(file: &Path, played: &[Played], origin: &str) -> anyhow::Result<Option<String>> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let format = match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => ExportFormat::Csv,
        Some("xlsx") => ExportFormat::Xlsx,
        _ => ExportFormat::Xapi,
    };
    let wanted = derived(format, played, origin)?;
    if format == ExportFormat::Xlsx {
        let same = sheet(&bytes).is_some_and(|sheet| Some(sheet) == self::sheet(&wanted));
        return Ok((!same).then(|| "its cells are not those that were exported".to_owned()));
    }
    if bytes == wanted {
        return Ok(None);
    }
    let (found, wanted) = (String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&wanted));
    let mut numbered = (1..).zip(found.lines().map(Some).chain(std::iter::repeat(None)));
    let at = wanted.lines().map(Some).chain([None]).find_map(|line| {
        let (no, found) = numbered.next()?;
        (found != line).then_some(no)
    });
    Ok(Some(format!("line {} is not what was exported", at.unwrap_or(1))))
}

/// What stands in the cells of a workbook, whenever that was made.
fn sheet(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let part = |name| {
        let mut out = Vec::new();
        archive.by_name(name).ok()?.read_to_end(&mut out).ok()?;
        Some(out)
    };
    ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"].into_iter().map(part).collect()
}
