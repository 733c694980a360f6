import { Button } from "@chakra-ui/react";
import { t } from "src/texts";

/** Saves a text as a file. */
export function DownloadButton({ text, name }: { text: string; name: string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button onClick={save} size="xs" variant="outline">
      {t("common.download")}
    </Button>
  );
}
