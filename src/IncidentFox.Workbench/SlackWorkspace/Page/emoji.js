// The shortcodes that messages of an incident tool use; others stay as they are typed.
const known = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', warning: '⚠️', mag: '🔍', hourglass: '⌛', hourglass_flowing_sand: '⏳', rotating_light: '🚨',
  fire: '🔥', fox_face: '🦊', no_entry: '⛔', no_entry_sign: '🚫', lock: '🔒', unlock: '🔓', large_green_circle: '🟢', red_circle: '🔴', large_yellow_circle: '🟡',
  large_orange_circle: '🟠', large_blue_circle: '🔵', white_circle: '⚪', black_circle: '⚫', arrows_counterclockwise: '🔄', eyes: '👀', tada: '🎉', thumbsup: '👍',
  '+1': '👍', thumbsdown: '👎', '-1': '👎', information_source: 'ℹ️', point_right: '👉', memo: '📝', chart_with_upwards_trend: '📈', bar_chart: '📊', shield: '🛡️',
  stopwatch: '⏱️', alarm_clock: '⏰', bell: '🔔', robot_face: '🤖', package: '📦', wrench: '🔧', hammer_and_wrench: '🛠️', question: '❓', bulb: '💡', link: '🔗',
  octagonal_sign: '🛑', black_square_for_stop: '⏹️', checkered_flag: '🏁', key: '🔑', wave: '👋', clock1: '🕐', spiral_note_pad: '🗒️', bookmark_tabs: '📑',
};

export const emoji = name => known[name] ?? `:${name}:`;
export const withEmoji = text => text.replace(/:([a-z0-9_+-]{1,40}):/g, (whole, name) => known[name] ?? whole);
