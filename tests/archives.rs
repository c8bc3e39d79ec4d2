//! Archives in the inbox: a course as an office packs it.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::io::Write as _;

use support::county::{County, a_county, names};
use support::media::{make_lesson, make_subtitles};
use support::server::{PATIENCE, Server};
use support::time::{s, wait_for};

/// An archive of these files, with names in GBK and no word of it, as programs of Chinese Windows
/// write them: each is packed under a name of as many letters, which is then written over.
fn packed(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut names = Vec::new();
    for (at, (name, content)) in parts.iter().enumerate() {
        let gbk = encoding_rs::GBK.encode(name).0.into_owned();
        let place = format!("{at:@>width$}", width = gbk.len());
        archive.start_file(&*place, zip::write::SimpleFileOptions::default()).expect("a part");
        archive.write_all(content).expect("written");
        names.push((place.into_bytes(), gbk));
    }
    let mut bytes = archive.finish().expect("an archive").into_inner();
    for (place, gbk) in names {
        let found: Vec<usize> =
            bytes.windows(place.len()).enumerate().filter(|(_, w)| *w == place).map(|(at, _)| at).collect();
        assert!(found.len() >= 2, "its header, and the directory");
        for at in found {
            bytes[at..at + gbk.len()].copy_from_slice(&gbk);
        }
    }
    bytes
}

/// The identifier of the lesson whose title this is.
fn lesson_called(server: &Server, title: &str) -> Option<serde_json::Value> {
    let lessons = server.client.items("/api/v1/lessons");
    lessons.into_iter().find(|lesson| lesson["titles"]["zh-Hans"] == title)
}

fn a_film(county: &County, seconds: u32) -> Vec<u8> {
    let file = county.path("film.mp4");
    make_lesson(&file, seconds);
    fs::read(file).expect("a film")
}

#[test]
fn a_course_comes_as_one_archive_and_survives_a_crash() {
    let county = a_county();
    let subtitles = county.path("words.srt");
    make_subtitles(&subtitles, "剪口要平");
    let course = packed(&[
        ("课程\\葡萄修剪.mp4", a_film(&county, 6)),
        ("课程\\葡萄修剪.zh.srt", fs::read(subtitles).expect("words")),
        ("课程\\作业.txt", "第一题".as_bytes().to_vec()),
        ("课程\\安装.exe", b"MZ".to_vec()),
    ]);
    let server = Server::start(&county);
    let address = server.client.address;
    fs::write(county.path("course"), &course).expect("written");
    fs::rename(county.path("course"), county.inbox().join("冬季课程.zip")).expect("in the inbox");
    // It is taken apart when it has been there for two seconds.
    std::thread::sleep(s(2));
    server.kill();
    let server = Server::start_again(&county, address).ready();
    let lesson = wait_for("the lesson of the archive", PATIENCE, || {
        let lesson = lesson_called(&server, "葡萄修剪")?;
        (lesson["preliminary"] == false && lesson["attachments"][0]["name"] == "作业.txt").then_some(lesson)
    });
    assert_eq!(lesson["subtitles"], serde_json::json!(["zh-Hans"]), "{lesson}");
    // Nor is anything hidden left.
    wait_for("an empty inbox", PATIENCE, || {
        fs::read_dir(county.inbox()).expect("the inbox").next().is_none().then_some(())
    });

    // Again: nothing is replaced unasked. Broken: it is told.
    fs::write(county.inbox().join("again.zip"), &course).expect("dropped");
    fs::write(county.inbox().join("broken.zip"), &course[..course.len() - 99]).expect("dropped");
    fs::write(county.inbox().join("other.zip"), packed(&[("说明.exe", b"MZ".to_vec())])).expect("dropped");
    let why = |name: &str| {
        let path = county.path(&format!("media/rejected/{name}.reason.txt"));
        wait_for(&format!("why {name} was not taken"), PATIENCE, || fs::read_to_string(&path).ok())
    };
    assert!(why("葡萄修剪.mp4").contains("already"));
    assert!(why("broken.zip").contains("damaged"));
    assert!(why("other.zip").contains("no film, no sound and no document"));
    let rejected = names(&county.path("media/rejected"));
    assert!(rejected.iter().any(|n| n == "葡萄修剪.zh.srt"), "what belongs to it goes with it: {rejected:?}");
    let same = lesson_called(&server, "葡萄修剪").expect("it is still there");
    assert_eq!(same["id"], lesson["id"]);
    wait_for("an empty inbox", PATIENCE, || names(&county.inbox()).is_empty().then_some(()));
}
