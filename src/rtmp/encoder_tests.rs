//! What real encoders publish, over loopback.

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{End, Publish, RtmpError, serve};

/// Takes one connection; what came out, how it ended and how the encoder ended.
async fn published(encoder: impl FnOnce(SocketAddr) -> Command) -> (Vec<u8>, Result<End, RtmpError>, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut encoder = encoder(listener.local_addr().unwrap());
    let encoder = encoder.stdin(Stdio::null()).kill_on_drop(true);
    let serving = async {
        let (stream, from) = listener.accept().await.unwrap();
        let (sink, mut out) = tokio::io::duplex(64 * 1024);
        // Spawned, so that the compiler proves that it may be.
        let serving = tokio::spawn(serve(stream, from, async move |publish: Publish| {
            assert_eq!((publish.app.as_str(), publish.from), ("live", from));
            (publish.key == "secret").then_some(sink)
        }));
        let mut flv = Vec::new();
        out.read_to_end(&mut flv).await.unwrap();
        (flv, serving.await.unwrap())
    };
    let ((flv, end), output) = tokio::join!(serving, encoder.output());
    (flv, end, output.unwrap())
}

fn ffmpeg(to: SocketAddr, key: &str, options: &str) -> Command {
    let inputs =
        "-hide_banner -loglevel error -re -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine";
    let mut command = Command::new("ffmpeg");
    command.args(format!("{inputs} {options} -f flv rtmp://{to}/live/{key}").split_whitespace());
    command
}

/// The packets of each stream and what was wrong, according to a full decode.
async fn decoded(flv: Vec<u8>, name: &str) -> (String, String) {
    let path = std::env::temp_dir().join(format!("rtmp-{name}-{}.flv", std::process::id()));
    std::fs::write(&path, flv).unwrap();
    let mut probe = Command::new("ffprobe");
    probe
        .args("-v error -count_frames -show_entries stream=codec_name,nb_read_frames -of csv=p=0".split(' '));
    let output = probe.arg(&path).output().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_publishes_and_every_frame_decodes() {
    let options = "-t 4 -c:v libx264 -preset ultrafast -g 25 -c:a aac";
    let (flv, end, output) = published(|to| ffmpeg(to, "secret", options)).await;
    assert!(output.status.success(), "{output:?}");
    // Which of its last words arrive before it hangs up is up to the encoder.
    assert!(matches!(end.unwrap(), End::Unpublished | End::Disconnected));
    assert_eq!(&flv[..5], b"FLV\x01\x05");
    let (frames, errors) = decoded(flv, "whole").await;
    assert_eq!(errors, "");
    assert!(frames.contains("h264,100\n"), "{frames}");
    assert!(frames.contains("aac,17"), "4 s are 173 frames: {frames}");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_timestamps_and_pictures_alone_pass_too() {
    let options = "-an -t 2 -c:v libx264 -preset ultrafast -b:v 4M -output_ts_offset 16776.5";
    let (flv, end, output) = published(|to| ffmpeg(to, "secret", options)).await;
    assert!(output.status.success(), "{output:?}");
    // Which of its last words arrive before it hangs up is up to the encoder.
    assert!(matches!(end.unwrap(), End::Unpublished | End::Disconnected));
    assert_eq!(&flv[..5], b"FLV\x01\x01", "no sound is announced");
    let (_, size) =
        flv.split_last_chunk::<4>().map(|(rest, size)| (rest, u32::from_be_bytes(*size))).unwrap();
    let last = &flv[flv.len() - 4 - size as usize..];
    assert_eq!(last[7], 1, "its timestamp is beyond 24 bits");
    let (frames, errors) = decoded(flv, "late").await;
    assert_eq!((frames.as_str(), errors.as_str()), ("h264,50\n", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_an_error_for_ffmpeg() {
    let options = "-t 4 -c:v libx264 -preset ultrafast -c:a aac";
    let (flv, end, output) = published(|to| ffmpeg(to, "wrong", options)).await;
    assert_eq!(end.unwrap(), End::Refused);
    assert!(flv.is_empty());
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the key is wrong"), "{said}");
}
