import { Button } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { DialogFrame } from "src/parts/DialogFrame";
import { t } from "src/texts";

type Props = {
  title: string;
  children: ReactNode;
  confirm: string;
  dismiss?: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
};

/** Asks before something is done, and for what it needs. */
export function AskDialog(props: Props) {
  const { title, children, confirm, dismiss, danger = false, busy = false, onConfirm, onClose } = props;
  return (
    <DialogFrame
      footer={
        <>
          <Button onClick={onClose} size="sm" variant="outline">
            {dismiss ?? t("common.close")}
          </Button>
          <Button colorPalette={danger ? "danger" : "brand"} loading={busy} onClick={onConfirm} size="sm">
            {confirm}
          </Button>
        </>
      }
      onClose={onClose}
      title={title}
    >
      {children}
    </DialogFrame>
  );
}
