// The guide opens at what is on now, unless the address names a place in it.
export function showPresent(): void {
  if (location.hash !== "") return;
  document.querySelector(".guide [aria-current]")?.scrollIntoView({ block: "center" });
}
