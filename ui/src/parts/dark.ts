// In the dark, Airflow's borders hardly differ from its background; nobody would see where a field or a button is.

const BORDER = "color-mix(in srgb, currentcolor 45%, transparent)";

/** Visible edges in the dark, for everything within; what is drawn in a portal needs them of its own. */
export const darkEdges = {
  _dark: {
    "--chakra-colors-border": BORDER,
    "--chakra-colors-border-emphasized": BORDER,
    "& .chakra-button": { "--outline-color": BORDER },
    "& [role=tab][aria-selected=true]": { "--indicator-color": "currentcolor" },
  },
};
