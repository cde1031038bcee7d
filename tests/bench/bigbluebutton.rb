# frozen_string_literal: true

# Composes a class with BigBlueButton's composer, as its video format does; its code is loaded from a checkout.
#
# CHECKOUT RESULT FOLDER OUT FPS WIDTH HEIGHT STAGE CAMERAS, the last two as x:y:width:height.

require 'fcntl'
require 'fileutils'
require 'json'
require 'logger'

checkout, result, folder, out, fps, width, height, stage, cameras = ARGV

# What the composer asks of the program around it.
module BigBlueButton
  def self.logger
    @logger ||= Logger.new($stderr, level: Logger::WARN)
  end

  def self.exec_ret(*command)
    system(*command)
    $?.exitstatus
  end
end
require File.join(checkout, 'record-and-playback/core/lib/recordandplayback/edl')

AREAS = { 'whiteboard' => 'presentation', 'screen' => 'deskshare', 'camera' => 'webcam' }.freeze
FORMAT = {
  extension: 'mp4', parameters: [%w[-c:v copy -c:a aac -b:a 128K -f mp4 -movflags faststart]], postprocess: []
}.freeze

class_result = JSON.parse(File.read(result))
segments, total = class_result.values_at('segments', 'total')
cuts = segments.flat_map { |s| [s['play_time'], s['play_time'] + s['duration']] }.push(0, total).uniq.sort

# A cut for each time at which a file comes or goes, the last one the end.
shown = lambda do |at, among|
  found = at == total ? [] : among.select { |s| (s['play_time']...s['play_time'] + s['duration']).cover?(at) }
  found.map { |s| [s, { filename: "#{folder}/#{s['video_id']}.mp4", timestamp: at - s['play_time'] }] }
end
video = cuts.map do |at|
  areas = shown.call(at, segments).group_by { |s, _| AREAS.fetch(s['kind']) }
  { timestamp: at, areas: areas.transform_values { |pairs| pairs.map(&:last) } }
end
heard = segments.select { |s| s['kind'] == 'camera' }
spoken = heard.flat_map { |s| [s['play_time'], s['play_time'] + s['duration']] }.push(0, total).uniq.sort
audio = spoken.map { |at| { timestamp: at, audios: shown.call(at, heard).map(&:last) } }

places = [['presentation', stage], ['webcam', cameras], ['deskshare', stage]].map do |name, rect|
  { name: name }.merge(%i[x y width height].zip(rect.split(':').map(&:to_i)).to_h)
end
layout = { width: width.to_i, height: height.to_i, framerate: fps.to_i, areas: places }
base = out.delete_suffix('.mp4')
pictures = BigBlueButton::EDL::Video.render(video, layout, "#{base}-pictures")
sound = BigBlueButton::EDL::Audio.render(audio, "#{base}-sound")
BigBlueButton::EDL.encode(sound, pictures, FORMAT, base)
