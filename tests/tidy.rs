//! Tidiness as a test: the rooms in `docs/architecture.md` and the code under
//! `src/` cannot drift apart, and what only one room may do is done there.
//!
//! Each check is a pure function from text to complaints, and each is shown
//! to be able to complain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file that nobody has to justify.
const LONGEST: usize = 400;

/// A row of the table of rooms.
#[derive(Debug, PartialEq, Eq)]
enum MayImport {
    Everything,
    Rooms(BTreeSet<String>),
}

type Rooms = BTreeMap<String, MayImport>;

/// The table whose head reads `| room | what lives there | may import | ...`.
/// Rooms stand in backticks; words around them are for people.
fn rooms(page: &str) -> Rooms {
    let mut lines = page.lines().skip_while(|line| !line.starts_with("| room |"));
    lines.next();
    lines
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let room = quoted(cells.get(1)?).into_iter().next()?;
            let may = cells.get(3)?;
            let may =
                if *may == "everything" { MayImport::Everything } else { MayImport::Rooms(quoted(may)) };
            Some((room, may))
        })
        .collect()
}

/// The words between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What of a line is code; a test of neatness need not understand strings.
fn code(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or(line)
}

/// Rooms that `source` names after `crate::`.
fn imports(source: &str) -> BTreeSet<String> {
    let text: String = source.lines().map(|l| format!("{}\n", code(l))).collect();
    let mut found = BTreeSet::new();
    for (at, mark) in text.match_indices("crate::") {
        // `$crate::` and `some_crate::` are something else.
        if text[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &text[at + mark.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_segments(group)),
            None => found.extend([word(rest)]),
        }
    }
    found
}

/// The first segment of every path in a group, up to its closing brace.
fn first_segments(group: &str) -> Vec<String> {
    let mut found = vec![word(group.trim_start())];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Complaints about what `room` imports in `source`.
fn bad_imports(rooms: &Rooms, room: &str, source: &str) -> Vec<String> {
    let Some(MayImport::Rooms(may)) = rooms.get(room) else { return Vec::new() };
    imports(source)
        .into_iter()
        .filter(|name| rooms.contains_key(name) && name != room && name != "base" && !may.contains(name))
        .map(|name| {
            format!("`{room}` must not import `{name}`; see the table of rooms in docs/architecture.md")
        })
        .collect()
}

/// Lines of code that contain one of `words`, with the reason they must not.
fn forbidden(source: &str, words: &[&str], why: &str) -> Vec<String> {
    let lines = source.lines().enumerate();
    lines
        .filter_map(|(n, line)| {
            let hit = words.iter().find(|w| code(line).contains(**w))?;
            Some(format!("line {}: `{hit}`: {why}", n + 1))
        })
        .collect()
}

const CLOCKS: &[&str] = &["Timestamp::now", "Instant::now", "SystemTime::now", "Zoned::now", ".elapsed()"];
const MEDIA: &[&str] = &["gstreamer", "gst::", "gst_app", "gst_video", "gst_audio"];
// Written in halves, since this file is read too.
const UNFINISHED: &[&str] = &[concat!("#[ig", "nore"), concat!("to", "do!("), concat!("unimple", "mented!(")];
const PLACES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn clock_reads(file: &str, source: &str) -> Vec<String> {
    if file == "src/base/clock.rs" {
        return Vec::new();
    }
    forbidden(source, CLOCKS, "only src/base/clock.rs reads clocks; take `now` as an argument")
}

fn media_code(file: &str, source: &str) -> Vec<String> {
    if file.starts_with("src/pipeline/") {
        return Vec::new();
    }
    forbidden(source, MEDIA, "only src/pipeline touches GStreamer; the server never decodes")
}

fn too_long(source: &str) -> Vec<String> {
    let lines = source.lines().count();
    if lines > LONGEST {
        vec![format!("{lines} lines; split it by noun, {LONGEST} is the most")]
    } else {
        Vec::new()
    }
}

fn machine_places(text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(n, line)| {
            let hit = PLACES.iter().find(|p| line.contains(**p))?;
            Some(format!("line {}: `{hit}` is a path of one machine", n + 1))
        })
        .collect()
}

/// Folders in `src` without a row, and rows without a folder.
fn strangers(rooms: &Rooms, folders: &BTreeSet<String>) -> Vec<String> {
    let listed: BTreeSet<String> = rooms.keys().cloned().collect();
    let no_row = folders.difference(&listed).map(|f| format!("src/{f} has no row in the table of rooms"));
    let no_folder = listed.difference(folders).map(|r| format!("room `{r}` has no folder in src"));
    no_row.chain(no_folder).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with one of `endings`, as (path from the root, content).
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            if path.is_dir() {
                let made =
                    ["node_modules", "dist", "target", "results"].iter().any(|made| path.ends_with(made));
                if !made {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|e| endings.iter().any(|end| e == *end)) {
                let text = fs::read_to_string(&path).expect("a source file is readable UTF-8");
                found.push((name_of(&path), text));
            }
        }
    }
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned()
}

fn the_rooms() -> Rooms {
    rooms(&fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md"))
}

fn folders_of_src() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("src")).expect("src");
    let folders = entries.flatten().filter(|e| e.path().is_dir());
    folders.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// Fails with every complaint of `check` about `files`, not only the first.
fn no_complaints(files: &[(String, String)], check: impl Fn(&str, &str) -> Vec<String>) {
    assert!(!files.is_empty(), "nothing was read, so nothing was checked");
    let all: Vec<String> = files
        .iter()
        .flat_map(|(name, text)| check(name, text).into_iter().map(move |c| format!("{name}: {c}")))
        .collect();
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn every_folder_is_a_room_and_every_room_a_folder() {
    let complaints = strangers(&the_rooms(), &folders_of_src());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn rooms_import_what_their_row_allows() {
    let rooms = the_rooms();
    no_complaints(&files("src", &["rs"]), |name, text| {
        let room = name.strip_prefix("src/").and_then(|n| n.split_once('/')).map_or("", |(room, _)| room);
        bad_imports(&rooms, room, text)
    });
}

#[test]
fn one_file_reads_clocks() {
    no_complaints(&files("src", &["rs"]), clock_reads);
}

#[test]
fn one_room_touches_gstreamer() {
    no_complaints(&files("src", &["rs"]), media_code);
}

#[test]
fn files_are_short() {
    let folders = ["src", "tests", "benches", "web"];
    let sources: Vec<_> = folders.iter().flat_map(|folder| files(folder, &["rs", "ts", "css"])).collect();
    no_complaints(&sources, |_, text| too_long(text));
}

#[test]
fn nothing_is_left_unfinished() {
    let mut sources = files("src", &["rs"]);
    sources.extend(files("tests", &["rs"]));
    no_complaints(&sources, |_, text| forbidden(text, UNFINISHED, "finish it or take it out"));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let mut texts = Vec::new();
    for folder in ["src", "tests", "benches", "docs", "config", "schedules", "scripts", "web", ".ci"] {
        texts.extend(files(
            folder,
            &["rs", "ts", "css", "md", "toml", "sh", "svg", "html", "ftl", "mjs", "sql"],
        ));
    }
    no_complaints(&texts, |_, text| machine_places(text));
}

mod the_checks_themselves {
    use super::*;

    const PAGE: &str = "\
# A house

| room | what lives there | may import | must not know |
|---|---|---|---|
| `base` | ids | nothing of ours | all |
| `hls` | playlists | `base` | clocks |
| `relay` | supervision | `base`, `hls` | HTTP |
| `app` | wiring | everything | – |

| room | of another table |
";

    #[test]
    fn the_table_is_read() {
        let rooms = rooms(PAGE);
        assert_eq!(rooms.keys().map(String::as_str).collect::<Vec<_>>(), ["app", "base", "hls", "relay"]);
        assert_eq!(rooms["app"], MayImport::Everything);
        assert_eq!(rooms["relay"], MayImport::Rooms(["base", "hls"].map(str::to_owned).into()));
        assert_eq!(rooms["base"], MayImport::Rooms(BTreeSet::new()));
    }

    #[test]
    fn a_forbidden_import_is_found_in_every_form() {
        let rooms = rooms(PAGE);
        for bad in [
            "use crate::relay::Window;",
            "use crate::{base::Lang, relay::{A, B}};",
            "use crate::{\n    base::Lang,\n    relay,\n};",
            "let w = crate::relay::Window::new();",
            "pub(crate) fn f(w: &crate::relay::Window) {}",
        ] {
            assert_eq!(bad_imports(&rooms, "hls", bad).len(), 1, "{bad}");
        }
        for good in [
            "use crate::base::Lang;",
            "use crate::hls::Track;",
            "// crate::relay is elsewhere",
            "use crate::{base::{relay, Lang}};",
            "other_crate::relay::f();",
        ] {
            assert!(bad_imports(&rooms, "hls", good).is_empty(), "{good}");
        }
        assert!(bad_imports(&rooms, "app", "use crate::relay::Window;").is_empty());
    }

    #[test]
    fn a_missing_row_and_a_missing_folder_are_found() {
        let folders = ["base", "hls", "relay", "attic"].map(str::to_owned).into();
        let complaints = strangers(&rooms(PAGE), &folders);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
    }

    #[test]
    fn a_clock_read_is_found_outside_its_file() {
        for bad in ["let t = jiff::Timestamp::now();", "Instant::now()", "if start.elapsed() > x {"] {
            assert_eq!(clock_reads("src/relay/mod.rs", bad).len(), 1, "{bad}");
            assert!(clock_reads("src/base/clock.rs", bad).is_empty());
        }
        assert!(clock_reads("src/relay/mod.rs", "/// Never `Instant::now`.").is_empty());
    }

    #[test]
    fn media_code_is_found_outside_its_room() {
        assert_eq!(media_code("src/app/demo.rs", "use gstreamer as gst;\ngst::init()?;").len(), 2);
        assert!(media_code("src/pipeline/probe.rs", "use gstreamer as gst;").is_empty());
        assert!(media_code("src/app/demo.rs", "// the gstreamer worker").is_empty());
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(too_long(&"x\n".repeat(LONGEST + 1)).len(), 1);
        assert!(too_long(&"x\n".repeat(LONGEST)).is_empty());
    }

    #[test]
    fn unfinished_work_and_machine_paths_are_found() {
        for word in UNFINISHED {
            assert_eq!(forbidden(&format!("    {word}"), UNFINISHED, "no").len(), 1, "{word}");
        }
        for place in PLACES {
            assert_eq!(machine_places(&format!("see {place}file")).len(), 1, "{place}");
        }
    }

    #[test]
    #[should_panic(expected = "nothing was read")]
    fn an_empty_list_of_files_is_no_success() {
        no_complaints(&[], clock_reads);
    }
}
