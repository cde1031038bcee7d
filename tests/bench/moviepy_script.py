"""A class as a user of MoviePy 2 would compose it; runs in a venv of its own, without our package.

RESULT FOLDER OUT FPS KEYFRAMES BACKGROUND WIDTH HEIGHT, then x:y:width:height for each file.
"""

import json
import sys
from pathlib import Path

from moviepy import ColorClip, CompositeVideoClip, VideoFileClip

result, folder, out, fps, keyframes, background, width, height, *rects = sys.argv[1:]
body = json.loads(Path(result).read_text("utf-8"))
length = body["total"] / 1000
colour = tuple(bytes.fromhex(background[1:]))
layers = [ColorClip((int(width), int(height)), colour, duration=length)]
for segment, rect in zip(body["segments"], rects, strict=True):
    x, y, slot_width, slot_height = map(int, rect.split(":"))
    start, duration = segment["play_time"] / 1000, segment["duration"] / 1000
    clip = VideoFileClip(f"{folder}/{segment['video_id']}.mp4")
    clip = clip.with_duration(min(clip.duration, duration))
    scale = min(slot_width / clip.w, slot_height / clip.h)
    if scale != 1:
        clip = clip.resized(scale)
    if (clip.w, clip.h) != (slot_width, slot_height):
        bars = ColorClip((slot_width, slot_height), (0, 0, 0), duration=duration)
        layers.append(bars.with_start(start).with_position((x, y)))
    place = (x + (slot_width - clip.w) // 2, y + (slot_height - clip.h) // 2)
    layers.append(clip.with_start(start).with_position(place))
CompositeVideoClip(layers, size=(int(width), int(height))).with_duration(length).write_videofile(
    out,
    fps=int(fps),
    codec="libx264",
    preset="veryfast",
    audio_codec="aac",
    audio_bitrate="128k",
    audio_fps=48000,
    temp_audiofile_path=str(Path(out).parent),
    threads=2,
    logger=None,
    ffmpeg_params=["-crf", "23", "-g", keyframes, "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
)
