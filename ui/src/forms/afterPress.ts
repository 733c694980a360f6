// What has to wait until a button of the mouse, or a finger, is up again.

let pressed = false;

function press(): void {
  pressed = true;
}

function release(): void {
  pressed = false;
}

window.addEventListener("pointerdown", press, true);
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, release, true);

/**
 * Do something that moves what is on the page: now, or once a press that is under way has become a click.
 *
 * Who presses a button leaves the field before it. A message that appeared there at once would move the button away
 * from under the pointer, and the click would be lost.
 */
export function afterPress(act: () => void): void {
  if (!pressed) {
    act();
    return;
  }
  const done = () => {
    for (const name of ["pointerup", "pointercancel"]) window.removeEventListener(name, done, true);
    // The click comes after the release, and before this.
    setTimeout(act, 0);
  };
  for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, done, true);
}
