#!/bin/sh
# Files as county offices have them, in the folder that is given; then `good` or `bad`, or
# nothing for both. What has to become of each stands in good.tsv and bad.tsv.
#
# Every good one lasts eight seconds (long.* are longer). Its picture has a red corner
# top left, green top right, blue bottom left and white bottom right, and its middle is
# white from 4.0 to 4.4 s; its sound is speech over a little noise, and silent in just
# that time: size, orientation and whether picture and sound belong together can be measured.
set -eu
here=$(dirname "$(readlink -f "$0")")
out=$1
part=${2:-}
mkdir -p "$out/good" "$out/bad" "$out/parts"
cd "$out"

ff() { ffmpeg -nostdin -hide_banner -v error -y "$@"; }

# --- what the files are made of ---
speech() { # language, text: 8 s of it at parts/LANG.wav
    espeak-ng -v "$1" -s 150 -w "parts/$1-once.wav" "$2"
    ff -stream_loop -1 -i "parts/$1-once.wav" -f lavfi -i 'anoisesrc=color=pink:amplitude=0.05:seed=7:sample_rate=48000' \
        -filter_complex "[0:a]aresample=48000,volume=0.7[v];[1:a]volume=0.5[n];[v][n]amix=inputs=2:duration=shortest:normalize=0,asetnsamples=n=240,volume=0:enable='between(t,4,4.4)'" \
        -t 8 -ac 1 "parts/$1.wav"
}
speech cmn '葡萄冬季修剪，剪口要平，剪后涂漆。今天我们学习葡萄栽培技术。'
speech kk 'Жүзімді қыста кесу керек, сабақты бірге оқимыз.'
speech en 'Prune the vine in winter, and seal every cut.'

picture() { # width, height, rate
    echo "color=c=gray:s=$1x$2:r=$3:d=8,drawbox=x=0:y=0:w=iw/4:h=ih/4:color=red:t=fill,drawbox=x=iw*3/4:y=0:w=iw/4:h=ih/4:color=green:t=fill,drawbox=x=0:y=ih*3/4:w=iw/4:h=ih/4:color=blue:t=fill,drawbox=x=iw*3/4:y=ih*3/4:w=iw/4:h=ih/4:color=white:t=fill,drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:color=white:t=fill:enable='between(t,3.99,4.39)',noise=alls=3:allf=t"
}
av() { # width, height, rate, then what ffmpeg makes of it
    w=$1 h=$2 r=$3
    shift 3
    ff -f lavfi -i "$(picture "$w" "$h" "$r")" -i parts/cmn.wav "$@"
}
x264='-c:v libx264 -preset ultrafast -pix_fmt yuv420p'
aac='-c:a aac -b:a 96k'
srt() { printf '1\n00:00:01,000 --> 00:00:03,000\n%s\n\n2\n00:00:05,000 --> 00:00:07,000\n%s 2\n' "$1" "$1"; }
srt '冬季修剪' > parts/zh.srt
srt 'Қыстық кесу' > parts/kk.srt
ff -i parts/kk.srt parts/kk.ass
ff -i parts/kk.srt parts/kk.vtt

# --- good ones ---
good() {
    av 1280 720 25 $x264 $aac good/plain.mp4
    av 640 360 25 -c:v libx264 -preset medium -x264-params open-gop=1:bframes=3:keyint=120 -pix_fmt yuv420p $aac -movflags +faststart good/bframes.mp4
    av 640 360 25 $x264 $aac -movflags frag_keyframe+empty_moov+default_base_moof good/fragmented.mp4
    # A phone held upright: the picture lies on its side in the file.
    ff -f lavfi -i "$(picture 360 640 30),transpose=cclock" -i parts/cmn.wav $x264 $aac parts/lying.mov
    ff -i parts/lying.mov -c copy -metadata:s:v rotate=270 good/phone-upright.mov
    ff -f lavfi -i "$(picture 640 360 30),hflip,vflip" -i parts/cmn.wav $x264 $aac parts/upside.mp4
    ff -i parts/upside.mp4 -c copy -metadata:s:v rotate=180 good/phone-upside-down.mp4
    ff -f lavfi -i "$(picture 640 360 30),select='not(between(mod(n,10),3,6))'" -i parts/cmn.wav -fps_mode vfr $x264 $aac good/variable-rate.mp4
    av 640 360 25 -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le -tag:v hvc1 $aac good/hevc10.mov
    av 352 288 25 -c:v mpeg1video -b:v 1150k -c:a mp2 -ar 44100 -ac 2 -b:a 224k -aspect 4:3 -f mpeg good/vcd.mpg
    av 352 288 25 -c:v mpeg1video -b:v 1150k -c:a mp2 -ar 44100 -ac 2 -b:a 224k -aspect 4:3 -f vcd parts/vcd.mpg
    python3 "$here/cdxa.py" parts/vcd.mpg good/AVSEQ01.DAT
    av 720 576 25 -vf interlace -flags +ilme+ildct -c:v mpeg2video -b:v 4M -aspect 16:9 -filter:a 'pan=5.1|FC=c0|FL=0.3*c0|FR=0.3*c0|BL=0*c0|BR=0*c0|LFE=0*c0' -c:a ac3 -b:a 384k -f vob good/dvd.vob
    ff -f lavfi -i "$(picture 720 576 25)" -i parts/cmn.wav -i parts/kk.wav -map 0:v -map 1:a -map 2:a -vf interlace -flags +ilme+ildct -c:v mpeg2video -b:v 4M -aspect 4:3 -c:a mp2 -b:a 192k -metadata:s:a:0 language=chi -metadata:s:a:1 language=kaz -f mpegts good/broadcast.ts
    av 640 480 25 -c:v mpeg4 -vtag DIVX -b:v 1M -c:a libmp3lame -ac 2 good/divx.avi
    av 640 480 25 -c:v libxvid -bf 2 -b:v 1M -c:a ac3 -ac 2 good/xvid.avi
    av 640 480 15 -c:v mjpeg -q:v 5 -pix_fmt yuvj420p -c:a pcm_s16le -ar 22050 good/camera.avi
    av 640 480 25 -c:v wmv2 -b:v 1M -c:a wmav2 -ac 2 good/windows.wmv
    av 320 240 25 -c:v msmpeg4 -b:v 500k -c:a wmav2 -ac 2 good/old.asf
    av 320 240 25 -c:v flv -b:v 500k -c:a libmp3lame -ar 44100 good/flash.flv
    av 640 360 25 $x264 $aac good/web.flv
    av 352 288 25 -c:v rv20 -b:v 500k -an good/real.rm
    av 640 360 25 -c:v libvpx -deadline realtime -cpu-used 8 -b:v 800k -c:a libvorbis good/vp8.webm
    av 640 360 25 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 800k -c:a libopus good/vp9.webm
    av 176 144 15 -c:v h263 -b:v 100k -c:a aac -ac 1 -ar 16000 -b:a 24k good/handy.3gp
    av 640 360 25 -c:v prores -c:a pcm_s24be good/studio.mov
    # Shapes and rates.
    av 720 576 25 $x264 -vf setsar=64/45 $aac good/anamorphic.mp4
    av 641 361 25 -c:v libx264 -preset ultrafast -pix_fmt yuv444p $aac good/odd-size.mkv
    av 360 640 25 $x264 $aac good/portrait.mp4
    av 640 360 50 $x264 $aac good/fifty.mp4
    av 640 360 24000/1001 $x264 $aac good/film.mp4
    av 640 360 10 $x264 $aac good/screen.mp4
    # Slides: a picture comes when it changes.
    ff -f lavfi -i "$(picture 640 360 25),select='eq(n,0)+eq(n,100)+eq(n,110)+eq(n,199)'" -i parts/cmn.wav -fps_mode vfr $x264 $aac good/slides.mp4
    # Sound.
    for wide in 'quiet volume=-26dB' 'loud volume=18dB,alimiter=limit=0.95:level=0'; do
        av 640 360 25 $x264 -af "${wide#* }" $aac "good/${wide%% *}.mp4"
    done
    av 640 360 25 $x264 -an good/no-sound.mp4
    ff -f lavfi -i "$(picture 640 360 25)" -f lavfi -i anullsrc=r=48000 -t 8 $x264 $aac good/silence.mp4
    av 640 360 25 $x264 -c:a pcm_u8 -ar 8000 good/telephone.mkv
    # One of the two begins later, or ends sooner.
    ff -f lavfi -i "$(picture 640 360 25)" -itsoffset 2 -ss 2 -i parts/cmn.wav $x264 $aac good/late-sound.mp4
    ff -itsoffset 1 -ss 1 -f lavfi -i "$(picture 640 360 25)" -i parts/cmn.wav -map 0:v -map 1:a $x264 $aac good/late-picture.mkv
    av 640 360 25 $x264 -vf 'trim=duration=6' $aac good/picture-ends.mp4
    av 640 360 25 $x264 -af 'atrim=duration=6' $aac good/sound-ends.mp4
    ff -f lavfi -i "$(picture 640 360 25)" -i parts/cmn.wav -output_ts_offset 5000 $x264 -c:a mp2 -f mpegts good/mid-stream.ts
    # Languages.
    ff -f lavfi -i "$(picture 640 360 25)" -i parts/cmn.wav -i parts/kk.wav -i parts/en.wav -i parts/zh.srt -i parts/kk.ass \
        -map 0:v -map 1:a -map 2:a -map 3:a -map 4 -map 5 -metadata:s:a:0 language=chi -metadata:s:a:1 language=kaz -metadata:s:a:2 language=eng \
        -metadata:s:s:0 language=chi -metadata:s:s:1 language=kaz $x264 $aac -c:s:0 srt -c:s:1 ass good/languages.mkv
    ff -f lavfi -i "$(picture 640 360 25)" -i parts/cmn.wav -i parts/kk.wav -i parts/zh.srt -i parts/kk.srt \
        -map 0:v -map 1:a -map 2:a -map 3 -map 4 -metadata:s:a:0 language=zho -metadata:s:a:1 language=kaz \
        -metadata:s:s:0 language=zho -metadata:s:s:1 language=kaz $x264 $aac -c:s mov_text good/languages-mp4.mp4
    ff -f lavfi -i "$(picture 640 360 25)" -i parts/cmn.wav -i parts/kk.vtt -map 0:v -map 1:a -map 2 \
        -metadata:s:s:0 language=kaz -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis -c:s webvtt good/subtitled.webm
    av 640 360 25 $x264 $aac good/side-files.mp4
    iconv -f UTF-8 -t GBK parts/zh.srt > good/side-files.zh-Hans.srt
    cp parts/kk.ass good/side-files.kk-Cyrl.ass
    ff -i parts/kk.wav $aac good/side-files.kk-Cyrl.m4a
    # Sound alone.
    ff -i parts/cmn.wav -c:a libmp3lame -ac 2 good/talk-mp3.mp3
    ff -f lavfi -i "$(picture 300 300 25)" -frames:v 1 parts/cover.jpg
    ff -i parts/cmn.wav -i parts/cover.jpg -map 0 -map 1 -c:a libmp3lame -c:v mjpeg -disposition:v attached_pic good/talk-cover.mp3
    ff -i parts/cmn.wav $aac good/talk-m4a.m4a
    ff -i parts/cmn.wav -c:a wmav2 good/talk-wma.wma
    ff -i parts/cmn.wav -c:a pcm_s16le -ar 44100 -ac 2 good/talk-wav.wav
    ff -i parts/cmn.wav -c:a libvorbis good/talk-ogg.ogg
    ff -i parts/cmn.wav -c:a flac good/talk-flac.flac
    ff -i parts/cmn.wav $aac good/talk-aac.aac
}

# --- bad ones ---
bad() {
    : > bad/empty.mp4
    av 640 360 25 $x264 $aac parts/whole.mp4
    head -c "$(($(wc -c < parts/whole.mp4) / 2))" parts/whole.mp4 > bad/index-lost.mp4
    for kind in mp4 mkv avi wmv; do
        codecs="$x264 $aac"
        case $kind in
        avi) codecs='-c:v mpeg4 -c:a libmp3lame' ;;
        wmv) codecs='-c:v wmv2 -c:a wmav2 -ac 2' ;;
        mp4) codecs="$codecs -movflags +faststart" ;;
        esac
        av 640 360 25 $codecs "parts/cut.$kind"
        head -c "$(($(wc -c < "parts/cut.$kind") * 3 / 10))" "parts/cut.$kind" > "bad/cut-off-$kind.$kind"
    done
    i=0
    while [ $i -lt 500 ]; do echo '会议记录：今年的远程教育工作'; i=$((i + 1)); done > bad/minutes.mp4
    printf '#!/bin/sh\ntouch /tmp/owned\n' > bad/script.avi
    printf '<html><body><h1>404 Not Found</h1></body></html>\n' > bad/page.wmv
    printf '#EXTM3U\n#EXTINF:8,\n/etc/passwd\n' > bad/list.ts
    printf '[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n' > bad/list.asf
    printf '%%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n' > bad/slides.mp4
    head -c 1000000 /dev/zero > bad/zeros.mpg
    head -c 1000000 /dev/urandom > bad/noise.avi
    python3 "$here/forge.py" parts/whole.mp4 bad
    (cd parts && rm -f z.zip && python3 -c 'import zipfile; zipfile.ZipFile("z.zip","w",zipfile.ZIP_DEFLATED).writestr("a.mp4", b"\0" * 50000000)') && cp parts/z.zip bad/bomb.mp4
    # The picture alone has a codec that nobody here decodes.
    sed 's/avc1/zzv9/g' parts/whole.mp4 > bad/unknown-codec.mp4
    cp parts/whole.mp4 bad/subtitles-broken.mp4
    echo 'no times in here' > bad/subtitles-broken.zh-Hans.srt
}

[ "$part" = bad ] || good
[ "$part" = good ] || bad
